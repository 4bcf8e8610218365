/**
 * A map that forgets what was not used for long. It keeps at least the `capacity / 2` and at most the `capacity`
 * entries that were used last; reading one costs no more than reading a Map.
 */
export class BoundedMap<Key, Value> {
  private young = new Map<Key, Value>();
  private old = new Map<Key, Value>();

  constructor(private readonly capacity: number) {}

  get(key: Key): Value | undefined {
    const value = this.young.get(key);
    if (value !== undefined) return value;
    const aged = this.old.get(key);
    if (aged !== undefined) this.set(key, aged);
    return aged;
  }

  set(key: Key, value: Value): void {
    this.young.set(key, value);
    if (this.young.size * 2 >= this.capacity) {
      this.old = this.young;
      this.young = new Map();
    } else {
      this.old.delete(key);
    }
  }

  delete(key: Key): void {
    this.young.delete(key);
    this.old.delete(key);
  }

  get size(): number {
    return this.young.size + this.old.size;
  }
}
