import type { SealedRecord } from '#libs/contracts';

/** A record's address in the view: a secret by its digest, a tenant by its id. */
export interface RecordId {
  kind: 'secret' | 'tenant';
  id: string;
}

/** The verifiers' copy of what key-management knows. Derived: it may be lost at any time and is rebuilt. */
export abstract class KeyView {
  /** Whether other processes read and fill this view too, so that it may outlive this one. */
  abstract readonly isShared: boolean;

  /** The records in the order of `ids`, undefined where there is none, in one round trip. Rejects when unreachable. */
  abstract find(ids: readonly RecordId[]): Promise<(SealedRecord | undefined)[]>;

  /**
   * Stores the record unless the view has one of the same or a newer version; tells whether it did. Versions are
   * integers from 1 to 2^53 − 1; any other rejects with a RangeError. Records are kept until they are replaced.
   */
  abstract put(id: RecordId, version: number, record: SealedRecord): Promise<boolean>;

  /**
   * Puts `record` in the place of exactly `unsound`, whatever version that claims; tells whether it did. It heals what
   * a forger left behind a version that no real record reaches.
   */
  abstract replace(
    id: RecordId,
    unsound: SealedRecord,
    version: number,
    record: SealedRecord,
  ): Promise<boolean>;

  /** Whether {@link markComplete} was called since the view was last emptied. */
  abstract isComplete(): Promise<boolean>;

  /** States that the view holds every record of the store. */
  abstract markComplete(): Promise<void>;

  /** One real request; rejects while the view cannot be reached. */
  abstract check(): Promise<void>;

  abstract close(): Promise<void>;
}

/** Throws a RangeError for what cannot be a stream's version; beyond 2^53 − 1 numbers stop telling versions apart. */
export function requireVersion(version: number): void {
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new RangeError(`not a version from 1 to ${Number.MAX_SAFE_INTEGER}: ${version}`);
  }
}
