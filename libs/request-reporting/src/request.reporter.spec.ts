import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { REQUESTS_TOPIC, type RequestEvent, type RequestEventBatch } from '#libs/contracts';
import { EventLog, type LogRecord, type Subscription } from '#libs/event-log';
import { checkCounts } from '#libs/testing/count-check';
import { eventually } from '#libs/testing/eventually';
import { spawnNode } from '#libs/testing/spawn-service';
import { partitionOf } from './incarnation.js';
import { type ReportingOptions, type RunningReporter, startRequestReporter } from './serve.js';

jest.setTimeout(30_000);

interface Message extends RequestEventBatch {
  topic: string;
  partition: number | undefined;
}

/** A log in memory that can be away, and that can fail after it has taken a message. */
class ScriptedLog extends EventLog {
  readonly messages: Message[] = [];
  away = false;
  /** Takes the next messages, this many, and says that it failed. */
  lostAnswers = 0;
  private publishing = 0;
  mostAtOnce = 0;

  async declare(): Promise<void> {
    if (this.away) throw new Error('the log is away');
  }

  async publish(topic: string, records: readonly LogRecord[], partition?: number): Promise<void> {
    this.publishing += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.publishing);
    await new Promise((resolve) => setImmediate(resolve));
    this.publishing -= 1;
    if (this.away) throw new Error('the log is away');
    for (const { value } of records) {
      const batch = JSON.parse(value.toString()) as RequestEventBatch;
      this.messages.push({ topic, partition, ...batch });
    }
    if (this.lostAnswers > 0) {
      this.lostAnswers -= 1;
      throw new Error('the answer was lost');
    }
  }

  subscribe(): Promise<Subscription> {
    throw new Error('nothing is read here');
  }

  async check(): Promise<void> {}
  async close(): Promise<void> {}
}

function event(requestId: string, fields: Partial<RequestEvent> = {}): RequestEvent {
  return {
    requestId,
    tenantId: 'acme',
    keyId: requestId,
    environment: 'live',
    outcome: 'VALID',
    status: null,
    route: '/v1/whoami',
    method: 'GET',
    caller: 'test',
    occurredAtMs: 1_790_000_000_000,
    reported: false,
    ...fields,
  };
}

/** Counts as a reader of the log does that takes of each incarnation the next sequence only. */
function count(messages: readonly RequestEventBatch[]): Map<string, number> {
  const counted = new Map<string, number>();
  const last = new Map<string, number>();
  for (const { incarnation, firstSequence, events } of messages) {
    for (const [index, { requestId }] of events.entries()) {
      if (firstSequence + index !== (last.get(incarnation) ?? 0) + 1) continue;
      last.set(incarnation, firstSequence + index);
      counted.set(requestId, (counted.get(requestId) ?? 0) + 1);
    }
  }
  return counted;
}

const directories: string[] = [];
const running: RunningReporter[] = [];

function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-spool-'));
  directories.push(directory);
  return directory;
}

const spoolFiles = (directory: string) =>
  readdirSync(join(directory, 'spool', 'test')).filter((name) => name.includes('.spool'));

async function start(directory: string, eventLog: EventLog, options: Partial<ReportingOptions> = {}) {
  const metrics = new Registry();
  const logger = pino({ level: 'silent' });
  const reporting = { directory, service: 'test', eventLog, logger, metrics, drainMsMax: 200, ...options };
  const reporter = await startRequestReporter(reporting);
  running.push(reporter);
  const metric = async (name: string, labels: Record<string, string> = {}) => {
    const values = (await metrics.getSingleMetric(name)?.get())?.values ?? [];
    const matching = values.filter((value) =>
      Object.entries(labels).every(([label, text]) => Object(value.labels)[label] === text),
    );
    return matching.reduce((sum, { value }) => sum + value, 0);
  };
  return { ...reporter, metric };
}

/** A process that dies without closing anything, as far as this one can show it: its lock is a dead process's. */
async function abandon(directory: string, log: ScriptedLog): Promise<void> {
  log.away = true;
  await Promise.all(running.splice(0).map((reporter) => reporter.close()));
  log.away = false;
  expect(spoolFiles(directory).length).toBeGreaterThan(0);
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((reporter) => reporter.close()));
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

describe('a request reporter', () => {
  it('publishes every event once, in order, to the one partition of its incarnation', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    const { reporter, close } = await start(directory, log);
    const ids = Array.from({ length: 5000 }, (_, i) => `r${i}`);
    for (let i = 0; i < ids.length; i += 50) {
      await Promise.all(ids.slice(i, i + 50).map((id) => reporter.record([event(id)])));
    }
    await close();
    expect(log.messages.flatMap(({ events }) => events.map(({ requestId }) => requestId))).toEqual(ids);
    const incarnations = new Set(log.messages.map(({ incarnation }) => incarnation));
    expect(incarnations.size).toBe(1);
    const partition = partitionOf([...incarnations][0] as string, 12);
    expect(new Set(log.messages.map((message) => `${message.topic} ${message.partition}`))).toEqual(
      new Set([`${REQUESTS_TOPIC} ${partition}`]),
    );
    expect(log.messages[0]?.firstSequence).toBe(1);
    expect(log.mostAtOnce).toBe(1);
  });

  it('leaves no file behind when everything was published', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    const { reporter, close } = await start(directory, log);
    await reporter.record([event('a')]);
    await close();
    expect(readdirSync(join(directory, 'spool', 'test'))).toEqual([]);
  });

  it('releases an answer only when its event is in the file', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    log.away = true;
    const { reporter } = await start(directory, log);
    await reporter.record([event('the-answered-one')]);
    const written = spoolFiles(directory).map((name) =>
      readFileSync(join(directory, 'spool', 'test', name), 'utf8'),
    );
    expect(written.join()).toContain('the-answered-one');
  });

  it('releases all answers of one turn of the event loop with one write', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    const { reporter } = await start(directory, log);
    const first = reporter.record([event('a')]);
    expect(reporter.record([event('b'), event('c')])).toBe(first);
    await first;
    expect(reporter.record([event('d')])).not.toBe(first);
  });

  it('with fsync still publishes every event once', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    const { reporter, close, metric } = await start(directory, log, { fsync: true });
    const ids = Array.from({ length: 200 }, (_, i) => `r${i}`);
    for (const id of ids) await reporter.record([event(id)]);
    await close();
    expect(checkCounts({ answered: ids, received: ids, counted: count(log.messages) })).toEqual([]);
    expect(await metric('latchkey_spool_sync_failures_total')).toBe(0);
  });

  it('keeps events while the log is away and publishes them when it is back', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    log.away = true;
    const { reporter, metric } = await start(directory, log);
    const ids = Array.from({ length: 300 }, (_, i) => `r${i}`);
    for (const id of ids) await reporter.record([event(id)]);
    expect(await metric('latchkey_spool_events_pending')).toBe(300);
    log.away = false;
    await eventually(() => expect(count(log.messages).size).toBe(300));
    await eventually(async () => expect(await metric('latchkey_spool_events_pending')).toBe(0));
    expect(checkCounts({ answered: ids, received: ids, counted: count(log.messages) })).toEqual([]);
    expect(await metric('latchkey_request_events_published_total')).toBe(300);
  });

  it('sends a batch whose answer was lost again before anything else', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    log.lostAnswers = 2;
    const { reporter, close } = await start(directory, log, { drainMsMax: 3000 });
    await reporter.record([event('a')]);
    await eventually(() => expect(log.messages.length).toBeGreaterThan(0));
    await reporter.record([event('b')]);
    await close();
    const firsts = log.messages.map(({ firstSequence }) => firstSequence);
    expect(firsts.slice(0, 3)).toEqual([1, 1, 1]);
    expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
    expect(count(log.messages)).toEqual(
      new Map([
        ['a', 1],
        ['b', 1],
      ]),
    );
  });

  it('drops and counts what a full spool can not take, gives it no sequence, and goes on when there is room', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    log.away = true;
    const { reporter, check, metric } = await start(directory, log, { spoolBytesMax: 20_000 });
    const kept: string[] = [];
    for (let i = 0; i < 200; i += 1) {
      const before = await metric('latchkey_request_events_dropped_total', { reason: 'full' });
      await reporter.record([event(`r${i}`)]);
      const after = await metric('latchkey_request_events_dropped_total', { reason: 'full' });
      if (after === before) kept.push(`r${i}`);
    }
    expect(kept.length).toBeGreaterThan(10);
    expect(kept.length).toBeLessThan(200);
    expect(check).toThrow('full');
    const size = spoolFiles(directory).reduce(
      (sum, name) => sum + statSync(join(directory, 'spool', 'test', name)).size,
      0,
    );
    expect(size).toBeLessThanOrEqual(20_000);
    expect(await metric('latchkey_spool_bytes')).toBe(size);
    log.away = false;
    await eventually(() => expect(count(log.messages).size).toBe(kept.length));
    await reporter.record([event('later')]);
    expect(check).not.toThrow();
    kept.push('later');
    await eventually(() => expect(count(log.messages).size).toBe(kept.length));
    expect(checkCounts({ answered: kept, received: kept, counted: count(log.messages) })).toEqual([]);
  });

  it('drops and counts an event that is too large, and keeps the others of its turn', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    const { reporter, close, metric } = await start(directory, log);
    await reporter.record([event('a'), event('b', { route: '/'.padEnd(70_000, 'x') }), event('c')]);
    await close();
    expect(count(log.messages)).toEqual(
      new Map([
        ['a', 1],
        ['c', 1],
      ]),
    );
    expect(await metric('latchkey_request_events_dropped_total', { reason: 'too_large' })).toBe(1);
  });

  it('drops and counts what the disk refuses, and keeps what comes when the disk is back', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    log.away = true;
    const { reporter, check, metric } = await start(directory, log);
    const path = join(directory, 'spool', 'test');
    rmSync(path, { recursive: true });
    writeFileSync(path, 'no directory');
    await reporter.record([event('refused')]);
    expect(await metric('latchkey_request_events_dropped_total', { reason: 'disk' })).toBe(1);
    expect(check).toThrow(/can't be written/);
  });

  it('counts what comes after close as dropped', async () => {
    const { reporter, close, metric } = await start(freshDirectory(), new ScriptedLog());
    await close();
    await reporter.record([event('late')]);
    expect(await metric('latchkey_request_events_dropped_total', { reason: 'closed' })).toBe(1);
  });

  it('ends within its time when the log never answers, and leaves the events for the next start', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    const hanging = new ScriptedLog();
    hanging.publish = () => new Promise(() => undefined);
    const first = await start(directory, hanging);
    await first.reporter.record([event('a')]);
    await first.close();
    running.splice(0);
    await start(directory, log);
    await eventually(() => expect(count(log.messages)).toEqual(new Map([['a', 1]])));
  });
});

describe('a spool that was left behind', () => {
  it('is replayed under its own incarnation and to its own partition, then removed', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    const { reporter } = await start(directory, log);
    log.away = true;
    await reporter.record([event('a'), event('b')]);
    const [left = ''] = spoolFiles(directory);
    await abandon(directory, log);
    await start(directory, log);
    await eventually(() => expect(log.messages.flatMap(({ events }) => events)).toHaveLength(2));
    expect(log.messages[0]).toMatchObject({ incarnation: left.slice(0, 36), firstSequence: 1 });
    expect(log.messages[0]?.partition).toBe(partitionOf(left.slice(0, 36), 12));
    await eventually(() => expect(spoolFiles(directory)).toEqual([]));
  });

  it('keeps the partition of its header when a later version would choose another', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    const { reporter } = await start(directory, log);
    log.away = true;
    await reporter.record([event('a')]);
    const [left = ''] = spoolFiles(directory);
    await abandon(directory, log);
    const path = join(directory, 'spool', 'test', left);
    const bytes = readFileSync(path);
    const { decodeHeader, encodeHeader } = await import('./spool-format.js');
    const head = decodeHeader(bytes);
    if (head === undefined) throw new Error('the header is not readable');
    const other = (head.header.partition + 1) % 12;
    const line = encodeHeader({ ...head.header, partition: other });
    writeFileSync(path, Buffer.concat([line, bytes.subarray(head.length)]));
    await start(directory, log);
    await eventually(() => expect(log.messages.map(({ partition }) => partition)).toEqual([other]));
  });

  it('is not replayed when its reader may have forgotten it, and is counted as dropped', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    const { reporter } = await start(directory, log);
    log.away = true;
    await reporter.record([event('a'), event('b')]);
    const [left = ''] = spoolFiles(directory);
    await abandon(directory, log);
    const path = join(directory, 'spool', 'test', left);
    const bytes = readFileSync(path);
    const { decodeHeader, encodeHeader } = await import('./spool-format.js');
    const head = decodeHeader(bytes);
    if (head === undefined) throw new Error('the header is not readable');
    const createdAtMs = Date.now() - 21 * 24 * 60 * 60 * 1000;
    const line = encodeHeader({ ...head.header, createdAtMs });
    writeFileSync(path, Buffer.concat([line, bytes.subarray(head.length)]));
    const { metric } = await start(directory, log);
    await eventually(async () =>
      expect(await metric('latchkey_request_events_dropped_total', { reason: 'expired' })).toBe(2),
    );
    expect(log.messages).toEqual([]);
    await eventually(() => expect(spoolFiles(directory)).toEqual([]));
  });

  it('with damage in the middle gives the rest with its own sequences, and the alarm tells how many are lost', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    const { reporter } = await start(directory, log);
    log.away = true;
    for (const id of ['a', 'b', 'c', 'd']) await reporter.record([event(id)]);
    const [left = ''] = spoolFiles(directory);
    await abandon(directory, log);
    const path = join(directory, 'spool', 'test', left);
    const bytes = readFileSync(path);
    bytes[bytes.indexOf('"requestId":"b"')] = 0;
    writeFileSync(path, bytes);
    const { metric } = await start(directory, log);
    await eventually(() => expect(log.messages).toHaveLength(2));
    expect(log.messages.map(({ firstSequence }) => firstSequence)).toEqual([1, 3]);
    expect(await metric('latchkey_request_events_dropped_total', { reason: 'damaged' })).toBe(1);
    expect(await metric('latchkey_spool_damages_total')).toBe(1);
  });

  it('with a torn last write gives what was released', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    const { reporter } = await start(directory, log);
    log.away = true;
    for (const id of ['a', 'b', 'never-released']) await reporter.record([event(id)]);
    const [left = ''] = spoolFiles(directory);
    await abandon(directory, log);
    const path = join(directory, 'spool', 'test', left);
    truncateSync(path, statSync(path).size - 5);
    const { metric } = await start(directory, log);
    await eventually(() =>
      expect(count(log.messages)).toEqual(
        new Map([
          ['a', 1],
          ['b', 1],
        ]),
      ),
    );
    expect(await metric('latchkey_spool_damages_total')).toBe(0);
  });

  it('of a living process is left alone', async () => {
    const [directory, log] = [freshDirectory(), new ScriptedLog()];
    const away = new ScriptedLog();
    away.away = true;
    const first = await start(directory, away);
    await first.reporter.record([event('a')]);
    const second = await start(directory, log);
    await second.reporter.record([event('b')]);
    await second.close();
    expect(count(log.messages)).toEqual(new Map([['b', 1]]));
    away.away = false;
    await first.close();
    expect(count(away.messages)).toEqual(new Map([['a', 1]]));
  });
});

describe('processes that are killed', () => {
  const script = join('libs', 'request-reporting', 'test', 'reporter-process.mjs');
  const loader = `./${join('libs', 'testing', 'src', 'source-loader.mjs')}`;

  it.each(['there', 'away'])(
    'lose no released event and repeat none, two of them on one directory, with the log %s',
    async (presence) => {
      const [directory, log] = [freshDirectory(), new ScriptedLog()];
      const logFile = join(directory, 'log');
      writeFileSync(logFile, '');
      const received: string[] = [];
      const answered: string[] = [];
      for (const round of [1, 2]) {
        const processes = ['x', 'y'].map((name) =>
          spawnNode(
            [
              '--conditions=source',
              '--import',
              loader,
              script,
              directory,
              logFile,
              `${round}${name}`,
              presence,
            ],
            {},
          ),
        );
        for (const process of processes) {
          await process.untilLine(/^answered .*-[0-9]{3}$/);
          await process.kill('SIGKILL');
        }
        for (const line of processes.flatMap(({ stdout }) => stdout)) {
          const [what, id] = line.split(' ') as [string, string];
          (what === 'received' ? received : answered).push(id);
        }
      }
      expect(answered.length).toBeGreaterThan(400);
      const published = readFileSync(logFile, 'utf8')
        .split('\n')
        .filter((line) => line !== '');
      const before = published.map((line) => JSON.parse((JSON.parse(line) as { value: string }).value));
      expect(before.length > 0).toBe(presence === 'there');
      await start(directory, log);
      await eventually(() => expect(spoolFiles(directory)).toEqual([]));
      const counted = count([...before, ...log.messages]);
      expect(checkCounts({ answered, received, counted })).toEqual([]);
    },
    60_000,
  );
});
