import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { checkHistory } from '#libs/fence/history/check-history';
import { eventually } from '#libs/testing/eventually';
import { spawnNode } from '#libs/testing/spawn-service';
import { type Asked, flawOf } from './nemesis/answer-form.js';
import { Chance } from './nemesis/chance.js';
import { CuttableProxy } from './nemesis/cuttable-proxy.js';
import { FAULT_KINDS, planFaults } from './nemesis/fault-plan.js';
import { faultReportOf } from './nemesis/fault-report.js';
import { addRun, emptySummary } from './nemesis/fault-summary.js';
import { HistoryWriter, readHistory } from './nemesis/history-file.js';
import type { HistoryLine, VerifyLine } from './nemesis/history-lines.js';
import { recordsOf } from './nemesis/history-records.js';

const RUN: HistoryLine = {
  type: 'run',
  seed: 7,
  leaseMs: 2000,
  serveStaleMs: 0,
  verifiers: ['v'],
  startedAt: '2026-03-14T00:00:00.000Z',
};
const OUTLIVES_MS = 2045;

function verified(answer: string, from: number, changes: Partial<VerifyLine> = {}): VerifyLine {
  const who = { verifier: 'v', incarnation: 'v#1', keyId: 'k', tenantId: 't', generation: 1 };
  return { type: 'verify', ...who, from, to: from + 1, answer, ...changes };
}

function commanded(
  effect: 'restrict' | 'widen',
  subject: string,
  {
    at,
    committedAt,
    ...answer
  }: { at: number; committedAt?: number; enforcedAt?: number; revision?: string },
): HistoryLine[] {
  const id = at;
  const asked: HistoryLine = { type: 'invoke', id, at, command: effect, effect, subject };
  if (committedAt === undefined) return [asked];
  const known = { type: 'return', id, committedAt, attempts: 1, via: 'acks' } as const;
  return [asked, { ...known, ...answer }];
}

const rulesBrokenBy = (...lines: HistoryLine[]) =>
  checkHistory(recordsOf([RUN, ...lines])).map(({ rule, subject }) => [rule, subject]);

describe('a kept history', () => {
  it.each([
    ['key-k', {}],
    ['tenant-t', {}],
    ['secret-k 1', {}],
    ['key-k write', { scope: 'write' }],
  ])('shows who allows what of %s after its restriction was called enforced', (subject, changes) => {
    const restricted = commanded('restrict', subject, { at: 1, committedAt: 2, enforcedAt: 3 });

    expect(rulesBrokenBy(...restricted, verified('VALID', 4, changes))).toEqual([[1, subject]]);
    expect(rulesBrokenBy(...restricted, verified('VALID', 2.5, changes))).toEqual([]);
    expect(
      rulesBrokenBy(...restricted, verified('VALID', 4, { ...changes, keyId: 'l', tenantId: 'u' })),
    ).toEqual([]);
  });

  it('does not hold an answer against a secret or a scope that was not shown or asked for', () => {
    const enforced = { at: 1, committedAt: 2, enforcedAt: 3 };
    const ofScope = commanded('restrict', 'key-k write', enforced);
    const ofSecret = commanded('restrict', 'secret-k 1', enforced);

    expect(rulesBrokenBy(...ofScope, verified('VALID', 4))).toEqual([]);
    expect(rulesBrokenBy(...ofSecret, verified('VALID', 4, { generation: 2 }))).toEqual([]);
  });

  it('shows an incarnation that allows what it has refused, and no other', () => {
    const asked = commanded('restrict', 'key-k', { at: 1 });
    const other = { incarnation: 'v#2' };

    expect(rulesBrokenBy(...asked, verified('REVOKED', 2), verified('VALID', 4))).toEqual([[2, 'key-k']]);
    expect(rulesBrokenBy(...asked, verified('REVOKED', 2), verified('VALID', 4, other))).toEqual([]);
  });

  it.each([
    ['REVOKED', 'key-k'],
    ['TENANT_SUSPENDED', 'tenant-t'],
    ['SECRET_RETIRED', 'secret-k 1'],
    ['INSUFFICIENT_SCOPE', 'key-k write'],
    ['NOT_FOUND', 'key-k NOT_FOUND'],
    ['MALFORMED', 'key-k MALFORMED'],
    ['EXPIRED', 'key-k EXPIRED'],
    ['RATE_LIMITED', 'key-k RATE_LIMITED'],
  ])('shows %s of a key that nobody made so', (answer, subject) => {
    expect(rulesBrokenBy(verified(answer, 1, { scope: 'write' }))).toEqual([[4, subject]]);
  });

  it('shows who still refuses when every lease from before the resumption is over', () => {
    const suspended = commanded('restrict', 'tenant-t', { at: 1, committedAt: 2, enforcedAt: 3 });
    const resumed = commanded('widen', 'tenant-t', { at: 10, committedAt: 11 });
    const refused = (from: number) =>
      rulesBrokenBy(...suspended, ...resumed, verified('TENANT_SUSPENDED', from));

    expect(refused(11 + OUTLIVES_MS - 1)).toEqual([]);
    expect(refused(11 + OUTLIVES_MS + 1)).toEqual([[4, 'tenant-t']]);
  });

  it('takes no answer for one', () => {
    const restricted = commanded('restrict', 'key-k', { at: 1, committedAt: 2, enforcedAt: 3 });
    expect(
      rulesBrokenBy(...restricted, verified('UNAVAILABLE', 4), verified('FENCE_LEASE_LAPSED', 5)),
    ).toEqual([]);
  });

  it('shows who allows what the revision that it was shown restricts, or was refused with', () => {
    const asked = commanded('restrict', 'key-k', { at: 1, committedAt: 2, revision: 'r1' });
    const refused = verified('REVOKED', 3, { revision: 'r2' });
    const allowed = (atLeast: string) => verified('VALID', 5, { incarnation: 'v#2', atLeast });

    expect(rulesBrokenBy(...asked, refused, allowed('r1'))).toEqual([[3, 'key-k']]);
    expect(rulesBrokenBy(...asked, refused, allowed('r2'))).toEqual([[3, 'key-k']]);
    expect(rulesBrokenBy(...asked, refused, allowed('r0'))).toEqual([]);
  });

  describe('in a file', () => {
    let directory: string;
    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), 'latchkey-history-'));
    });
    afterAll(() => rmSync(directory, { recursive: true }));

    it('is read as it was written, and is never written over', async () => {
      const path = join(directory, 'whole.jsonl');
      const history = new HistoryWriter(path);
      history.write(RUN);
      history.write(verified('VALID', 1));
      await history.close();

      expect(await readHistory(path)).toEqual([RUN, verified('VALID', 1)]);
      expect(() => new HistoryWriter(path)).toThrow('EEXIST');
    });

    it('counts up to where it was broken off, and only there may it be', async () => {
      const path = join(directory, 'broken-off.jsonl');
      const [run, answer] = [JSON.stringify(RUN), JSON.stringify(verified('VALID', 1))];
      writeFileSync(path, `${run}\n${answer}\n${answer.slice(0, 20)}`);
      expect(await readHistory(path)).toEqual([RUN, verified('VALID', 1)]);

      writeFileSync(path, `${run}\n${answer.slice(0, 20)}\n${answer}\n`);
      await expect(readHistory(path)).rejects.toThrow('line 2');
    });
  });
});

describe('an answer to a command', () => {
  const restricts: Asked = { effect: 'restrict', changes: 'key' };
  const enforced = { status: 'enforced', revision: 'r', via: 'acks', key: {} };
  const committed = { status: 'committed', revision: 'r', enforcedBy: '2026-03-14T00:00:00.000Z', key: {} };
  const flaw = (asked: Asked, status: number, body: object, location: string | null = null) =>
    flawOf(asked, { status, body, location });

  it('is taken where it says what holds by now', () => {
    expect(flaw(restricts, 200, enforced)).toBeUndefined();
    expect(flaw(restricts, 202, committed, '/v1/enforcements/r')).toBeUndefined();
    expect(
      flaw({ effect: 'widen', changes: 'key' }, 200, { ...enforced, status: 'committed' }),
    ).toBeUndefined();
    expect(flaw({ effect: 'none' }, 201, { key: {}, secret: 's' })).toBeUndefined();
  });

  it.each<[string, Asked, number, object, string | null]>([
    ['has no status', restricts, 200, { revision: 'r', key: {} }, null],
    [
      'calls a restriction committed and no more',
      restricts,
      200,
      { ...committed, status: 'committed' },
      null,
    ],
    ['does not say how it came about', restricts, 200, { ...enforced, via: undefined }, null],
    ['lacks what was changed', restricts, 200, { ...enforced, key: undefined }, null],
    ['lacks a revision', restricts, 200, { ...enforced, revision: '' }, null],
    ['names another place', restricts, 202, committed, '/v1/enforcements/s'],
  ])('is not where it %s', (_, asked, status, body, location) => {
    expect(flaw(asked, status, body, location)).toEqual(expect.any(String));
  });
});

describe('the plan of faults', () => {
  const targets = {
    verifiers: ['v1', 'v2', 'v3'],
    authorities: ['a1', 'a2'],
    others: ['usage'],
    outlivesMs: OUTLIVES_MS,
  };
  const planOf = (seed: number, count: number) => {
    const plan = planFaults(new Chance(seed), targets);
    return Array.from({ length: count }, () => plan.next().value);
  };

  it('is the same for the same seed, and another for another', () => {
    expect(planOf(1, 100)).toEqual(planOf(1, 100));
    expect(planOf(1, 100)).not.toEqual(planOf(2, 100));
  });

  it('has every kind in every round, pauses and partitions of every verifier shorter and longer than a lease', () => {
    const round = planOf(3, 28).map(({ fault }) => fault);
    expect(new Set(round.map(({ kind }) => kind))).toEqual(new Set(FAULT_KINDS));

    const many = planOf(4, 2000).map(({ fault }) => fault);
    for (const kind of ['pause', 'partition'] as const) {
      for (const verifier of targets.verifiers) {
        const passing = many.flatMap((fault) =>
          fault.kind === kind && fault.target === verifier ? fault.durationMs : [],
        );
        expect(Math.min(...passing)).toBeLessThan(200);
        expect(Math.max(...passing)).toBeGreaterThan(OUTLIVES_MS * 1.2);
      }
    }
  });
});

describe('a network that can be cut', () => {
  let server: Server;
  let received: string;
  let atServer: Socket | undefined;
  let proxy: CuttableProxy;
  let client: Socket;
  let answered: string;

  beforeEach(async () => {
    [received, answered] = ['', ''];
    server = createServer((socket) => {
      atServer = socket;
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => (received += bytes.toString()));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await CuttableProxy.start([(server.address() as AddressInfo).port]);
    client = connect(proxy.port, '127.0.0.1');
    client.on('error', () => undefined);
    client.on('data', (bytes) => (answered += bytes.toString()));
    await exchange('1');
  });
  afterEach(() => {
    client.destroy();
    proxy.close();
    server.close();
  });

  /** Sends `text` both ways and waits until it has arrived. */
  async function exchange(text: string) {
    client.write(text);
    await eventually(() => expect(received.endsWith(text)).toBe(true));
    atServer?.write(text);
    await eventually(() => expect(answered.endsWith(text)).toBe(true));
  }

  it('passes everything on both ways', async () => {
    await exchange('2');
    expect([received, answered]).toEqual(['12', '12']);
  });

  it('keeps back one way what stalls, lets the other way pass, and delivers it late and in order', async () => {
    proxy.cut({ direction: 'toClient', manner: 'stall' });
    client.write('2');
    await eventually(() => expect(received).toBe('12'));
    atServer?.write('2');
    atServer?.write('3');
    client.write('3');
    await eventually(() => expect(received).toBe('123'));
    expect(answered).toBe('1');

    proxy.heal();
    await eventually(() => expect(answered).toBe('123'));
  });

  it('breaks a connection that lost something, when it is healed', async () => {
    proxy.cut({ direction: 'toServer', manner: 'drop' });
    client.write('lost');
    atServer?.write('2');
    await eventually(() => expect(answered).toBe('12'));
    expect(client.destroyed).toBe(false);

    const closed = once(client, 'close');
    proxy.heal();
    await closed;
    expect(received).toBe('1');
  });
});

describe('the fault report', () => {
  it('adds up runs and says what each command, fault and restriction came to', () => {
    const run: HistoryLine[] = [
      RUN,
      { type: 'underLoad', at: 60_000 },
      ...commanded('restrict', 'key-k', { at: 60_001, committedAt: 60_002, enforcedAt: 60_041 }),
      verified('REVOKED', 61_000),
      { type: 'fault', from: 62_000, to: 62_100, fault: { kind: 'flushRedis' } },
      { type: 'end', at: 180_000 },
    ];
    const summary = emptySummary();
    addRun(summary, run);
    addRun(summary, [
      ...run.slice(0, -1),
      verified('VALID', 63_000),
      { type: 'wrong', at: 64_000, what: 'v fell' },
    ]);
    const text = faultReportOf(summary, { command: 'npm run x', date: '2026-03-14' });

    expect(text).toContain('2 runs with the seeds 7, 7 (1 broken off)');
    expect(text).toContain('**2.1 minutes, 5 operations, 0 revokes, 2 faults, 2 violations.**');
    expect(text).toContain('rule 1: key-k, ALLOW by v, 63000 to 63001 ms');
    expect(text).toContain('* v fell');
    expect(text).toMatch(/\| Redis emptied \(FLUSHALL\) +\| 2 +\|/);
    expect(text).toMatch(/\| every verifier acknowledged +\| 2 +\| 40 +\| 40 +\| 40 +\|/);
    expect(text).toMatch(/\| restrict +\| 2 +\| 2 +\|/);
  });
});

async function testFaults(...args: string[]) {
  const run = spawnNode(['scripts/test-faults.mjs', ...args], process.env);
  return { ...(await run.exited), stdout: run.stdout.join('\n'), stderr: run.stderr.join('\n') };
}

describe('npm run test:faults', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'latchkey-fault-runs-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const kept = (name: string, ...lines: HistoryLine[]) => {
    const text = [RUN, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');
    writeFileSync(join(directory, `${name}.jsonl`), text);
  };
  const report = () =>
    testFaults('--minutes', '0', '--resume', directory, '--out', join(directory, 'report.md'));

  it('reports all runs that are kept, and ends with 1 where one of them broke a rule', async () => {
    const restricted = commanded('restrict', 'key-k', { at: 1, committedAt: 2, enforcedAt: 3 });
    kept('first', ...restricted, verified('REVOKED', 4), { type: 'end', at: 5 });
    kept('second', verified('VALID', 1), { type: 'end', at: 5 });
    expect(await report()).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(join(directory, 'report.md'), 'utf8')).toMatch(/of 2 runs[^]* 0 violations/);

    kept('third', ...restricted, verified('VALID', 4), { type: 'end', at: 5 });
    expect(await report()).toMatchObject({ code: 1, stderr: '' });
    expect(readFileSync(join(directory, 'report.md'), 'utf8')).toMatch(/of 3 runs[^]* 1 violation[^s]/);
  });

  it.each([
    [['--minutes', 'ten'], 'minutes is not a number: ten'],
    [['--seed', '-1'], '--seed'],
    [['--speed', '2'], "Unknown option '--speed'"],
  ])('refuses %j before it starts anything', async (args, message) => {
    const { code, stdout, stderr } = await testFaults(...args);

    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('says so where there is nothing to report', async () => {
    const { code, stderr } = await report();
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('there is no history') });
  });
});
