/** Who caused an event, from where and why; kept with every event from the first day. */
export interface EventMetadata {
  /** `operator`, `service` or `key`, and its id. */
  actor: { type: string; id: string };
  sourceAddress: string | null;
  reason: string | null;
  requestId: string | null;
  traceId: string | null;
}

/** A fact that happened, before it is stored. */
export interface NewEvent {
  type: string;
  /** Version of the shape of `data`, from 1; stored events are never rewritten. */
  schemaVersion: number;
  data: object;
}

export interface StoredEvent extends NewEvent {
  /** Place in the order of all events; commit order. Gaps mean nothing. */
  position: number;
  streamId: string;
  tenantId: string;
  /** Place in its stream: 1, 2, 3 … */
  version: number;
  metadata: EventMetadata;
  /** Milliseconds since the epoch, by the store's clock. */
  recordedAtMs: number;
}

/** A repeatable wish: kept with its outcome for 24 hours, in the transaction of the events it led to. */
export interface IdempotencyRecord {
  /** Tenant, actor and route: the same key elsewhere is another wish. */
  scope: string;
  key: string;
  /** Hash of what was asked. */
  requestHash: string;
  /** What was answered, without any secret. */
  outcome: object;
}

/** Events of one command for one stream: all of them are stored, or none. */
export interface Append<Projected> {
  streamId: string;
  tenantId: string;
  /** Version the stream must have; 0: it must not exist. */
  expectedVersion: number;
  /** At least one. */
  events: readonly NewEvent[];
  metadata: EventMetadata;
  idempotency?: IdempotencyRecord;
  /** What the read model stores of it. */
  projected: Projected;
}

export type AppendOutcome<Receipt = unknown> =
  /** With what the commit log, where there is one, says to the append. */
  | { status: 'appended'; version: number; receipt?: Receipt | undefined }
  /** The stream has another version: read, decide and append again. */
  | { status: 'conflict' }
  /** An append with this idempotency key was stored before. */
  | { status: 'repeated' }
  /** A rule across streams said no; the code is the read model's. */
  | { status: 'refused'; code: string };

/** Ordered streams of events with optimistic concurrency. */
export abstract class EventStore<Projected, Receipt = unknown> {
  /** All events of a stream by version; empty when there are none. */
  abstract read(streamId: string): Promise<StoredEvent[]>;

  /**
   * Appends atomically with the read model and the idempotency record. Appends of one stream are ordered by version,
   * all events by position in the order of their commits: who has read up to a position misses nothing below it.
   * Rejects with UNAVAILABLE while the store is away; whether the append took place is then unknown.
   */
  abstract append(append: Append<Projected>): Promise<AppendOutcome<Receipt>>;

  /** The next events after a position, at most `limit`, by position. */
  abstract readAfter(position: number, limit: number): Promise<StoredEvent[]>;

  /** The events of some streams up to a position, by version; streams without events are absent. */
  abstract readStreams(
    streamIds: readonly string[],
    upToPosition: number,
  ): Promise<Map<string, StoredEvent[]>>;

  /** What was stored under an idempotency key within the last 24 hours. */
  abstract findIdempotencyRecord(scope: string, key: string): Promise<IdempotencyRecord | undefined>;

  /** Keeps the outcome of a wish that led to no event; false where its key is taken. */
  abstract keepIdempotencyRecord(record: IdempotencyRecord): Promise<boolean>;
}
