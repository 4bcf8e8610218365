import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { Counting } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { checkCounts } from '#libs/testing/count-check';
import { eventually } from '#libs/testing/eventually';
import type { LatchkeyClient } from '#libs/testing/latchkey-client';
import { type App, APPS, type LatchkeyProcesses } from '#libs/testing/latchkey-processes';
import { type Accounts, RESUMED_MS } from './accounts.js';
import { CommandLoad } from './command-load.js';
import { type LoadedKey, RequestLoad } from './request-load.js';

/** A running Latchkey under load. */
export interface UnderLoad {
  readonly requests: RequestLoad;
  readonly commands: CommandLoad;
  /** Resolves when each of these has had answers again, begun after this call. */
  goesOn(...what: ('verifier' | 'api' | 'commands')[]): Promise<void>;
}

export interface Readiness {
  status: number;
  /** Names of the dependencies that are down. */
  down: string[];
}

const GOOD_KEYS = 3;
const ANSWERS_THAT_SHOW_IT = 4;
const UNCOUNTED = { counting: Counting.CALLER_REPORTS };

export async function readinessOf(latchkey: LatchkeyProcesses, app: App): Promise<Readiness> {
  const response = await fetch(`${latchkey.httpUrls[app]}/health/ready`);
  const { dependencies } = (await response.json()) as { dependencies: Record<string, string> };
  const down = Object.keys(dependencies).filter((name) => dependencies[name] !== 'up');
  return { status: response.status, down: down.toSorted() };
}

/** Waits until every service calls itself ready, as long as that may take after a fault. */
export async function untilAllReady(latchkey: LatchkeyProcesses): Promise<void> {
  for (const app of APPS) {
    await eventually(
      async () => expect([app, await readinessOf(latchkey, app)]).toEqual([app, { status: 200, down: [] }]),
      { timeoutMs: RESUMED_MS },
    );
  }
}

/**
 * Runs `fault` in the middle of verifications, API requests and commands, and holds what comes of it to what is promised
 * whatever happens: no answer that is not true, no answered command lost or done twice, every event published in order,
 * every answered request counted once. Where every attempt got an answer, exactly the answered ones are counted.
 */
export async function runUnderLoad(
  { latchkey, client, accounts }: { latchkey: LatchkeyProcesses; client: LatchkeyClient; accounts: Accounts },
  fault: (load: UnderLoad) => Promise<void>,
): Promise<{ unanswered: number }> {
  const tenantId = `load-${randomUUID().slice(0, 8)}`;
  const keysPath = `/v1/tenants/${tenantId}/keys`;
  expect((await client.manage('PUT', `/v1/tenants/${tenantId}`, {})).status).toBe(201);
  const keys: LoadedKey[] = [];
  for (let n = 0; n <= GOOD_KEYS; n += 1) {
    const { body } = await client.manage('POST', keysPath, { name: 'k', environment: 'live', scopes: [] });
    keys.push({ keyId: body.key.id, secret: body.secret, verdict: n < GOOD_KEYS ? 'VALID' : 'REVOKED' });
  }
  const revoked = keys[GOOD_KEYS] as LoadedKey;
  await client.manage('POST', `${keysPath}/${revoked.keyId}/revoke`, { reason: 'before the fault' });
  await eventually(async () => expect(await client.verdict(revoked.secret, UNCOUNTED)).toBe('REVOKED'), {
    timeoutMs: RESUMED_MS,
  });

  const requests = new RequestLoad(client, keys);
  const commands = new CommandLoad(client, keysPath);
  const load: UnderLoad = {
    requests,
    commands,
    async goesOn(...what) {
      const answered = () => ({ ...requests.answered, commands: commands.answered });
      const before = answered();
      await eventually(
        () => {
          expect([...requests.wrong, ...commands.wrong]).toEqual([]);
          const now = answered();
          for (const kind of what) {
            expect(now[kind] - before[kind]).toBeGreaterThan(kind === 'commands' ? 1 : ANSWERS_THAT_SHOW_IT);
          }
        },
        { timeoutMs: RESUMED_MS },
      );
    },
  };
  try {
    await load.goesOn('verifier', 'api', 'commands');
    await fault(load);
    await untilAllReady(latchkey);
    await load.goesOn('verifier', 'api', 'commands');
  } finally {
    await Promise.all([requests.stop(), commands.stop()]);
  }

  expect([...requests.wrong, ...commands.wrong]).toEqual([]);
  await accounts.settled();
  const counted = await accounts.counts(tenantId);
  expect(checkCounts({ ...requests.observations(), counted })).toEqual([]);

  const answered = new Map(commands.keys.map(({ keyId, events }) => [keyId, events]));
  expect(await accounts.storedEvents([...answered.keys()])).toEqual(answered);
  const published = await accounts.publishedEvents();
  expect(new Map([...answered.keys()].map((keyId) => [keyId, published.get(keyId)]))).toEqual(answered);

  const ended = commands.keys.filter(({ events }) => events.includes('KeyRevoked'));
  const secrets = ended.flatMap((key) => key.secrets);
  expect(secrets.length).toBeGreaterThan(0);
  await eventually(
    async () =>
      expect(new Set(await client.verdictsOfBatch(secrets.slice(-1000)))).toEqual(new Set(['REVOKED'])),
    { timeoutMs: RESUMED_MS },
  );
  return { unanswered: requests.unknown };
}
