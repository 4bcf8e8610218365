import type { SealedRecord } from '#libs/contracts';
import { KeyView, type RecordId, requireVersion } from './key-view.js';

/** The view of one process that needs no Redis; it is empty at every start. */
export class InMemoryKeyView extends KeyView {
  override readonly isShared = false;
  private readonly entries = new Map<string, { version: number; record: SealedRecord }>();
  private complete = false;

  async find(ids: readonly RecordId[]): Promise<(SealedRecord | undefined)[]> {
    return ids.map((id) => this.entries.get(addressOf(id))?.record);
  }

  async put(id: RecordId, version: number, record: SealedRecord): Promise<boolean> {
    requireVersion(version);
    const address = addressOf(id);
    const present = this.entries.get(address);
    if (present !== undefined && present.version >= version) return false;
    this.entries.set(address, { version, record });
    return true;
  }

  async replace(
    id: RecordId,
    unsound: SealedRecord,
    version: number,
    record: SealedRecord,
  ): Promise<boolean> {
    requireVersion(version);
    const address = addressOf(id);
    const present = this.entries.get(address)?.record;
    if (present === undefined || !isSame(present, unsound)) return false;
    this.entries.set(address, { version, record });
    return true;
  }

  async isComplete(): Promise<boolean> {
    return this.complete;
  }

  async markComplete(): Promise<void> {
    this.complete = true;
  }

  async check(): Promise<void> {}

  async close(): Promise<void> {}

  /** Loses everything, as a restart would. */
  clear(): void {
    this.entries.clear();
    this.complete = false;
  }
}

function addressOf({ kind, id }: RecordId): string {
  return `${kind}:${id}`;
}

function isSame(a: SealedRecord, b: SealedRecord): boolean {
  return a.json === b.json && a.seal === b.seal && a.sealKeyId === b.sealKeyId;
}
