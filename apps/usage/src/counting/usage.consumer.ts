import { REQUESTS_DEAD_TOPIC, REQUESTS_TOPIC } from '#libs/contracts';
import type {
  BatchOutcome,
  EventLog,
  LogBatch,
  LogRecord,
  ReceivedRecord,
  Subscription,
} from '#libs/event-log';
import type { Logger } from '#libs/service-kit';
import type { CountingMetrics } from './counting-metrics.js';
import { type ArrivedRun, readRequestMessage } from './request-batch.js';
import type { CountedBatch, UsageStore } from './usage-store.js';

/** Members of this group share the partitions; where reading goes on, the store knows. */
const GROUP = 'usage';

/** Counts what verifiers report. */
export class UsageConsumer {
  private subscription: Subscription | undefined;
  /** Where the log was asked to read again, by partition, until its answer has come. */
  private readonly resumed = new Map<string, bigint>();

  constructor(
    private readonly eventLog: EventLog,
    private readonly store: UsageStore,
    private readonly metrics: CountingMetrics,
    private readonly logger: Logger,
  ) {}

  async start(): Promise<void> {
    this.subscription = await this.eventLog.subscribe({
      group: GROUP,
      topics: [REQUESTS_TOPIC],
      start: (position) => this.store.nextOffset(position),
      onBatch: (batch) => this.count(batch),
      onError: (err) => this.logger.warn({ err }, 'request events could not be counted, trying again'),
    });
  }

  async close(): Promise<void> {
    await this.subscription?.close();
  }

  /** Counts one batch; public for tests and replays that bring batches of their own. */
  async count(batch: LogBatch): Promise<BatchOutcome> {
    const { logId, topic, partition, records } = batch;
    const [first, last] = [records[0], records.at(-1)];
    if (first === undefined || last === undefined) return undefined;
    const { runs, dead } = this.read(batch);
    // Before the offset moves on: what can't be counted is in the dead topic at least once.
    if (dead.length > 0) await this.eventLog.publish(REQUESTS_DEAD_TOPIC, dead);
    const place = `${logId} ${topic} ${partition}`;
    const outcome = await this.store.count({
      position: { logId, topic, partition },
      firstOffset: first.offset,
      nextOffset: last.offset + 1n,
      runs,
      resumedAt: this.resumed.get(place),
    });
    if ('resumeAt' in outcome) {
      this.resumed.set(place, outcome.resumeAt);
      this.logger.info(
        { topic, partition, at: String(first.offset), resumeAt: String(outcome.resumeAt) },
        'reads again from where counting stopped',
      );
      return outcome;
    }
    this.resumed.delete(place);
    this.metrics.deadMessages.inc(dead.length);
    this.metrics.delaySeconds.set(Math.max(0, Date.now() - last.timestampMs) / 1000);
    this.tell(outcome, { topic, partition });
    return undefined;
  }

  private read({ topic, partition, records }: LogBatch): { runs: ArrivedRun[]; dead: LogRecord[] } {
    const runs: ArrivedRun[] = [];
    const dead: LogRecord[] = [];
    for (const record of records) {
      const { run, problem } = readRequestMessage(record.value);
      if (run !== undefined) runs.push(run);
      if (problem === undefined) continue;
      dead.push(deadRecord(record, problem, `${topic}/${partition}/${record.offset}`));
      this.logger.error(
        { topic, partition, offset: String(record.offset), problem },
        'a message can not be counted as a whole and goes to the dead topic',
      );
    }
    return { runs, dead };
  }

  private tell(outcome: CountedBatch, place: { topic: string; partition: number }): void {
    for (const result of ['counted', 'dropped', 'malformed', 'repeated', 'parked'] as const) {
      this.metrics.events.inc({ result }, outcome[result]);
    }
    for (const gap of outcome.gaps) {
      this.logger.error({ ...place, ...gap }, 'events are missing; those after them wait for them');
    }
    if (outcome.missing === undefined) return;
    const { from, to } = outcome.missing;
    this.metrics.missingOffsets.inc(Number(to - from + 1n));
    this.logger.error(
      { ...place, from: String(from), to: String(to) },
      'messages were gone from the log before they were counted',
    );
  }
}

function deadRecord(record: ReceivedRecord, problem: string, source: string): LogRecord {
  return {
    key: record.key,
    value: record.value,
    headers: { ...record.headers, 'latchkey-problem': problem, 'latchkey-source': source },
  };
}
