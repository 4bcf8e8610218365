import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import type { BatchOutcome, LogSubscription, Subscription } from './event-log.js';
import { nameOf, type Head, type Place, PostgresLogSession } from './postgres-log-session.js';
import { WakeUp } from './wake-up.js';

interface PostgresReaderOptions {
  database: { readonly dataSource: DataSource };
  url: string;
  tlsCaFile?: string | undefined;
  retryPauseMs?: number | undefined;
}

const RECONNECT_PAUSE_MS = 1000;
/** Notifications only shorten the wait: PostgreSQL forgets them when the connection is lost. */
const POLL_MS = 1000;
const CLAIM_MS = 1000;

/** A partition that this subscription alone reads for its group. */
interface HeldPartition extends Place {
  /** The next offset to read; undefined until the start is known. */
  next: bigint | undefined;
  /** Milliseconds since the epoch; in the future after a failure. */
  restsUntilMs: number;
}

/** Reads on a connection of its own, the next one when that is lost, one batch after the other. */
export class PostgresLogSubscription implements Subscription {
  /** Resolves once reading is arranged; rejects only when closed before. */
  readonly arranged: Promise<void>;
  private readonly wakeUp = new WakeUp();
  private readonly closing = new AbortController();
  private readonly reading: Promise<void>;
  /** With `latest`: the next offset of each partition, kept over connections so that none forgets what it missed. */
  private latest: Map<string, bigint> | undefined;

  constructor(
    private readonly options: PostgresReaderOptions,
    private readonly subscription: LogSubscription,
  ) {
    let arranged: () => void = () => undefined;
    this.arranged = new Promise((resolve, reject) => {
      arranged = resolve;
      this.closing.signal.addEventListener('abort', () => reject(new Error('the subscription was closed')));
    });
    this.arranged.catch(() => undefined);
    if (subscription.start !== 'latest') arranged();
    this.reading = this.read(arranged);
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.wakeUp.ring();
    await this.reading;
  }

  private get closed(): boolean {
    return this.closing.signal.aborted;
  }

  private async read(arranged: () => void): Promise<void> {
    while (!this.closed) {
      try {
        if (this.options.database.dataSource.isInitialized) await this.connectAndFollow(arranged);
      } catch (error) {
        if (!this.closed) this.subscription.onError(error);
      }
      if (!this.closed) await this.wakeUp.wait(RECONNECT_PAUSE_MS);
    }
  }

  private async connectAndFollow(arranged: () => void): Promise<void> {
    const { group, topics, start } = this.subscription;
    const client = this.newClient();
    try {
      await client.connect();
      const session = new PostgresLogSession(client, group, topics);
      await session.join();
      if (start === 'latest' && this.latest === undefined) {
        const heads = await session.heads();
        this.latest = new Map(heads.map((head) => [nameOf(head), head.end]));
      }
      arranged();
      await this.follow(session);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  private newClient(): Client {
    const { url, tlsCaFile } = this.options;
    const client = new Client({
      connectionString: url,
      ...(tlsCaFile && { ssl: { ca: readFileSync(tlsCaFile, 'utf8') } }),
      application_name: `latchkey log ${this.subscription.group}`,
      connectionTimeoutMillis: 5000,
      query_timeout: 30_000,
      keepAlive: true,
    });
    client.on('error', () => this.wakeUp.ring());
    client.on('notification', ({ payload }) => {
      if (payload !== undefined && this.subscription.topics.includes(payload)) this.wakeUp.ring();
    });
    return client;
  }

  private async follow(session: PostgresLogSession): Promise<void> {
    const logId = await session.logId();
    const held = new Map<string, HeldPartition>();
    let claimedAtMs = 0;
    while (!this.closed) {
      const heads = await session.heads();
      if (Date.now() - claimedAtMs >= CLAIM_MS) {
        await claim(session, heads, held);
        claimedAtMs = Date.now();
      }
      let progressed = false;
      for (const head of heads) {
        const place = held.get(nameOf(head));
        if (place === undefined || place.restsUntilMs > Date.now() || this.closed) continue;
        if (await this.readOn(session, logId, place, head.end)) progressed = true;
      }
      if (!progressed && !this.closed) {
        const rests = [...held.values()].map(({ restsUntilMs }) => restsUntilMs - Date.now());
        await this.wakeUp.wait(Math.min(POLL_MS, ...rests.filter((ms) => ms > 0)));
      }
    }
  }

  /** Reads one batch, if there is any before `end`; true when there may be more to read at once. */
  private async readOn(
    session: PostgresLogSession,
    logId: string,
    place: HeldPartition,
    end: bigint,
  ): Promise<boolean> {
    const { topic, partition } = place;
    const { start } = this.subscription;
    if (start === 'committed') place.next ??= await session.committedOffset(place);
    if (start === 'latest') place.next ??= this.latest?.get(nameOf(place)) ?? 0n;
    const rest = (error: unknown): false => {
      this.subscription.onError(error);
      place.restsUntilMs = Date.now() + (this.options.retryPauseMs ?? 1000);
      return false;
    };
    if (typeof start === 'function') {
      try {
        place.next ??= (await start({ logId, topic, partition })) ?? 0n;
      } catch (error) {
        return rest(error);
      }
    }
    const from = place.next ?? 0n;
    if (from >= end) return false;
    const records = await session.fetch(place, from);
    const last = records.at(-1);
    if (last === undefined) {
      // Retention has dropped everything before the end.
      place.next = end;
      return false;
    }
    let outcome: BatchOutcome;
    try {
      outcome = await this.subscription.onBatch({ logId, topic, partition, records });
    } catch (error) {
      return rest(error);
    }
    place.next = outcome?.resumeAt ?? last.offset + 1n;
    if (start === 'committed') await session.commit(place, place.next);
    if (start === 'latest') this.latest?.set(nameOf(place), place.next);
    return true;
  }
}

/** Lets go of partitions beyond this member's share and takes free ones up to it. No batch is in hand meanwhile. */
async function claim(session: PostgresLogSession, heads: readonly Head[], held: Map<string, HeldPartition>) {
  const share = await session.share(heads.length);
  for (const [name, place] of [...held].slice(share)) {
    held.delete(name);
    await session.release(place);
  }
  for (const { topic, partition } of heads) {
    if (held.size >= share) return;
    const place: HeldPartition = { topic, partition, next: undefined, restsUntilMs: 0 };
    if (!held.has(nameOf(place)) && (await session.tryClaim(place))) held.set(nameOf(place), place);
  }
}
