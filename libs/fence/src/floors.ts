import { type FenceEntry, partsOfSubject } from './fence-entry.js';

/** Floor of a revoked key: above every version. */
const TERMINAL = Number.POSITIVE_INFINITY;

/**
 * The lowest usable version of every key and tenant that was ever changed. A floor only rises. Keys by ids as
 * key-management draws them take some 40 bytes each, so that a million of them fit in 64 MB.
 */
export class Floors {
  private readonly drawnKeys: (DrawnKeyShard | undefined)[] = [];
  private readonly others = new Map<string, number>();

  raise({
    subject,
    floorVersion,
    terminal,
  }: Pick<FenceEntry, 'subject' | 'floorVersion' | 'terminal'>): void {
    const { noun, id } = partsOfSubject(subject);
    const floor = terminal ? TERMINAL : floorVersion;
    if (noun === 'secret' || !(floor > 0)) return;
    const lanes = noun === 'key' ? lanesOf(id) : undefined;
    if (lanes !== undefined) {
      const shard = lanes[0] % SHARDS;
      this.drawnKeys[shard] ??= new DrawnKeyShard();
      this.drawnKeys[shard].raise(lanes, floor);
      return;
    }
    if (floor > (this.others.get(subject) ?? 0)) this.others.set(subject, floor);
  }

  /** Records of the key below this version are too old to use; 0 where there is no floor. */
  ofKey(keyId: string): number {
    const lanes = lanesOf(keyId);
    if (lanes === undefined) return this.others.get(`key-${keyId}`) ?? 0;
    return this.drawnKeys[lanes[0] % SHARDS]?.floorOf(lanes) ?? 0;
  }

  ofTenant(tenantId: string): number {
    return this.others.get(`tenant-${tenantId}`) ?? 0;
  }

  /** How many keys and tenants have a floor. */
  get size(): number {
    return this.drawnKeys.reduce((size, shard) => size + (shard?.size ?? 0), this.others.size);
  }

  /** What the keys by drawn ids take. */
  get bytes(): number {
    return this.drawnKeys.reduce((bytes, shard) => bytes + (shard?.bytes ?? 0), 0);
  }

  /** Whether a floor is that of a key which is revoked for ever. */
  static isTerminal(floor: number): boolean {
    return floor === TERMINAL;
  }
}

/** So many that growing one of them, which takes its size thrice for a moment, does not matter. */
const SHARDS = 256;

/** The 120 random bits of an id. */
type Lanes = readonly [number, number, number, number];

/** Undefined for an id of another form. */
function lanesOf(keyId: string): Lanes | undefined {
  if (keyId.length !== 34 || !keyId.startsWith('key_')) return undefined;
  const lane = (from: number, to: number) => Number(`0x${keyId.slice(from, to)}`);
  const lanes = [lane(4, 12), lane(12, 20), lane(20, 28), lane(28, 34)] as const;
  return Number.isNaN(lanes[0] + lanes[1] + lanes[2] + lanes[3]) ? undefined : lanes;
}

/** Open addressing with linear probing over flat arrays; ids are random, so any of their bits is a hash. */
class DrawnKeyShard {
  size = 0;
  private capacity = 16;
  private ids = new Uint32Array(this.capacity * 4);
  private floors = new Float64Array(this.capacity);

  get bytes(): number {
    return this.ids.byteLength + this.floors.byteLength;
  }

  floorOf(lanes: Lanes): number {
    return this.floors[this.slotOf(lanes)] ?? 0;
  }

  raise(lanes: Lanes, floor: number): void {
    let slot = this.slotOf(lanes);
    if (this.floors[slot] === 0) {
      if (this.size >= this.capacity * 0.75) {
        this.grow();
        slot = this.slotOf(lanes);
      }
      this.put(slot, lanes, 0);
      this.size += 1;
    }
    if (floor > (this.floors[slot] ?? 0)) this.floors[slot] = floor;
  }

  /** Where the id at `from` stands, or the free slot where it would. A floor is never 0: a slot with floor 0 is free. */
  private slotOf(lanes: ArrayLike<number>, from = 0): number {
    const { ids, floors, capacity } = this;
    let slot = (lanes[from + 1] as number) % capacity;
    while (floors[slot] !== 0) {
      const at = slot * 4;
      if (
        ids[at] === lanes[from] &&
        ids[at + 1] === lanes[from + 1] &&
        ids[at + 2] === lanes[from + 2] &&
        ids[at + 3] === lanes[from + 3]
      )
        return slot;
      slot = (slot + 1) % capacity;
    }
    return slot;
  }

  private put(slot: number, lanes: ArrayLike<number>, from: number): void {
    const at = slot * 4;
    for (let lane = 0; lane < 4; lane += 1) this.ids[at + lane] = lanes[from + lane] as number;
  }

  private grow(): void {
    const { ids, floors, capacity } = this;
    this.capacity = Math.ceil(capacity * 1.5);
    this.ids = new Uint32Array(this.capacity * 4);
    this.floors = new Float64Array(this.capacity);
    for (let old = 0; old < capacity; old += 1) {
      const floor = floors[old] as number;
      if (floor === 0) continue;
      const slot = this.slotOf(ids, old * 4);
      this.put(slot, ids, old * 4);
      this.floors[slot] = floor;
    }
  }
}
