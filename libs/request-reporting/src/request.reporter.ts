import { randomUUID } from 'node:crypto';
import { REQUEST_TOPICS, REQUESTS_TOPIC, type RequestEvent } from '#libs/contracts';
import type { EventLog } from '#libs/event-log';
import type { Logger } from '#libs/service-kit';
import { INCARNATION_AGE_MAX_MS, type Incarnation, partitionOf } from './incarnation.js';
import type { ReportingMetrics } from './reporting-metrics.js';
import { RequestReporter } from './request-reporter.js';
import type { DropReason, OpenSpool, Refused, RequestSpool, RequestSpools } from './request-spool.js';
import { SpoolRelay } from './spool.relay.js';

export interface SpoolingReporterOptions {
  spools: RequestSpools;
  eventLog: EventLog;
  logger: Logger;
  metrics: ReportingMetrics;
  /** Answers wait until their events are on the disk itself, so that they survive the loss of the machine. */
  fsync: boolean;
  /** How long `close` goes on to publish. */
  drainMsMax: number;
}

const SCAN_INTERVAL_MS = 30_000;
/** Drops come in floods: the log has one line for this long, the metric has them all. */
const DROP_LOG_INTERVAL_MS = 10_000;

/** Spools events and relays them: its own, and those left in the same place by processes that died. */
export class SpoolingRequestReporter extends RequestReporter {
  private turn: string[] = [];
  private turnEnd: Promise<void> | undefined;
  private closed = false;
  private fault: string | undefined;
  private readonly relays = new Set<SpoolRelay>();
  private readonly publications = new Set<Promise<void>>();
  private readonly unpublished = new Set<RequestSpool>();
  private scan: Promise<void> | undefined;
  private readonly timer: NodeJS.Timeout;
  private readonly dropLog = new Map<DropReason, { unlogged: number; loggedAtMs: number }>();
  private spool: OpenSpool;
  private relay: SpoolRelay;

  /** Begins this process's incarnation; rejects where the directory can't be written. */
  static async start(options: SpoolingReporterOptions): Promise<SpoolingRequestReporter> {
    return new SpoolingRequestReporter(options, await options.spools.open(newIncarnation()));
  }

  private constructor(
    private readonly options: SpoolingReporterOptions,
    spool: OpenSpool,
  ) {
    super();
    this.spool = spool;
    this.relay = this.publish(spool);
    this.keepHouse();
    this.timer = setInterval(() => this.keepHouse(), SCAN_INTERVAL_MS);
  }

  record(events: readonly RequestEvent[]): Promise<void> {
    if (this.closed) this.dropped('closed', events.length);
    if (this.closed || events.length === 0) return Promise.resolve();
    for (const event of events) this.turn.push(JSON.stringify(event));
    // All answers of one turn of the event loop wait for the same write.
    this.turnEnd ??= new Promise((resolve) => setImmediate(() => this.writeTurn(resolve)));
    return this.turnEnd;
  }

  /** Events that the log has not acknowledged. */
  get pending(): number {
    let pending = 0;
    for (const spool of this.unpublished) pending += spool.pending;
    return pending;
  }

  /** Throws while events can't be kept. */
  check(): void {
    if (this.fault !== undefined) throw new Error(this.fault);
  }

  /** Stops intake, publishes what is spooled for at most `drainMsMax`, and leaves the rest for the next start. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.timer);
    await this.turnEnd;
    this.spool.seal();
    await Promise.all([...this.relays].map((relay) => relay.stop(this.options.drainMsMax)));
    await this.scan;
    await Promise.all(this.publications);
  }

  private writeTurn(release: () => void): void {
    const events = this.turn;
    this.turn = [];
    this.turnEnd = undefined;
    const { spool } = this;
    const refused = spool.append(events);
    this.fault = refused && faultOf(refused);
    if (refused !== undefined) {
      for (const { reason, events: count } of refused.dropped) this.dropped(reason, count, refused.error);
    }
    this.relay.wake();
    if (!this.options.fsync) return release();
    spool.sync().then(release, (err: unknown) => {
      this.options.metrics.syncFailures.inc();
      this.options.logger.error({ err }, 'the disk did not confirm events; they are lost if the machine is');
      release();
    });
  }

  /** Relays a spool until it is sealed and empty, then lets go of it. */
  private publish(spool: RequestSpool): SpoolRelay {
    const { eventLog, logger, metrics } = this.options;
    const relay = new SpoolRelay(spool, {
      eventLog,
      logger,
      onPublished: (events) => metrics.published.inc(events),
      onExpired: (events) => this.dropped('expired', events),
    });
    this.relays.add(relay);
    this.unpublished.add(spool);
    const publication = relay
      .finished()
      .then(() => spool.release())
      .catch((err: unknown) => logger.error({ err }, 'a spool could not be let go of'))
      .finally(() => {
        this.relays.delete(relay);
        this.unpublished.delete(spool);
        this.publications.delete(publication);
      });
    this.publications.add(publication);
    return relay;
  }

  private keepHouse(): void {
    const { logger } = this.options;
    this.scan ??= this.renewIncarnation()
      .then(() => this.replayDeadSpools())
      .catch((err: unknown) => logger.error({ err }, 'spools of dead processes could not be taken over'))
      .finally(() => {
        this.scan = undefined;
      });
  }

  /** Publishes what dead processes left, one spool after the other, beside this process's own. */
  private async replayDeadSpools(): Promise<void> {
    const spools = await this.options.spools.takeOver();
    for (const spool of spools) this.unpublished.add(spool);
    for (const spool of spools) {
      const { incarnation, partition, createdAtMs } = spool.identity;
      const createdAt = new Date(createdAtMs).toISOString();
      this.options.logger.info(
        { incarnation, partition, createdAt, pending: spool.pending },
        'takes over the spool of a process that died',
      );
      if (this.closed) await spool.release();
      else await this.publish(spool).finished();
    }
  }

  /** What a reader has to remember of an incarnation ends with it, so none goes on for ever. */
  private async renewIncarnation(): Promise<void> {
    if (this.closed || Date.now() - this.spool.identity.createdAtMs < INCARNATION_AGE_MAX_MS) return;
    const fresh = await this.options.spools.open(newIncarnation());
    if (this.closed) return fresh.release();
    const [old, oldRelay] = [this.spool, this.relay];
    this.spool = fresh;
    this.relay = this.publish(fresh);
    old.seal();
    oldRelay.wake();
  }

  private dropped(reason: DropReason, count: number, err?: unknown): void {
    this.options.metrics.dropped.inc({ reason }, count);
    const entry = this.dropLog.get(reason) ?? { unlogged: 0, loggedAtMs: 0 };
    this.dropLog.set(reason, entry);
    entry.unlogged += count;
    if (Date.now() - entry.loggedAtMs < DROP_LOG_INTERVAL_MS) return;
    this.options.logger.error({ reason, events: entry.unlogged, err }, 'events will not be counted');
    Object.assign(entry, { unlogged: 0, loggedAtMs: Date.now() });
  }
}

function newIncarnation(): Incarnation {
  const incarnation = randomUUID();
  const topic = REQUEST_TOPICS.find(({ name }) => name === REQUESTS_TOPIC);
  if (topic === undefined) throw new Error(`${REQUESTS_TOPIC} is not declared`);
  const partition = partitionOf(incarnation, topic.partitions);
  return { incarnation, topic: topic.name, partition, createdAtMs: Date.now() };
}

function faultOf({ dropped, error }: Refused): string | undefined {
  if (error !== undefined)
    return `the spool can't be written: ${error instanceof Error ? error.message : 'unknown cause'}`;
  return dropped.some(({ reason }) => reason === 'full') ? 'the spool is full' : undefined;
}
