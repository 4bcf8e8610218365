import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { freePort } from '#libs/testing/free-port';
import { eventually } from '#libs/testing/eventually';
import { type SpawnedProcess, spawnService } from '#libs/testing/spawn-service';
import type { RunningService } from '#libs/service-kit/serve';
import {
  ask,
  createKeysDatabase,
  environmentOf,
  keyBody,
  type KeysDatabase,
  registerTenant,
  serveKeyManagement,
} from '../served-key-management.contract.js';
import { LeasedVerifier } from './leased-verifier.contract.js';

jest.setTimeout(90_000);

/** So that the verifier is waited for however long a process takes to start. */
const LONG_LEASES = { LATCHKEY_FENCE_LEASE_MS: '120000' };

let database: KeysDatabase;
let process: SpawnedProcess;
/** The other instance, which lives on. */
let other: RunningService;
let verifier: LeasedVerifier;

beforeAll(async () => {
  database = await createKeysDatabase();
  other = await serveKeyManagement(database, LONG_LEASES);
  verifier = await LeasedVerifier.leased(other.grpcAddress as string);
});

afterAll(async () => {
  verifier.close();
  await process.kill('SIGKILL');
  await other.close();
  await database.drop();
});

it('waits afresh for a restriction whose instance was killed between commit and answer', async () => {
  const port = await freePort();
  process = spawnService('key-management', {
    ...(await environmentOf(database)),
    ...LONG_LEASES,
    LATCHKEY_MANAGEMENT_PORT: String(port),
    KAFKA_BROKERS: `127.0.0.1:${await freePort()}`,
  });
  const killed = { httpUrl: `http://127.0.0.1:${port}`, close: async () => undefined };
  await eventually(async () => expect((await fetch(`${killed.httpUrl}/health/live`)).status).toBe(200), {
    timeoutMs: 60_000,
  });
  const keys = `/v1/tenants/${await registerTenant(other)}/keys`;
  const { body } = await ask(other, 'POST', keys, { body: keyBody() });
  const revoke = `${keys}/${body.key.id}/revoke`;
  const headers = { 'idempotency-key': randomUUID() };

  const unanswered = ask(killed, 'POST', revoke, { headers }).catch((error: Error) => error.message);
  await eventually(async () => {
    const { key } = (await ask(other, 'GET', `${keys}/${body.key.id}`)).body;
    expect(key.status).toBe('revoked');
  });
  await process.kill('SIGKILL');
  await expect(unanswered).resolves.toBe('fetch failed');

  // It is committed, and the verifier has not heard of it: nobody may be told that it is enforced.
  for (const asked of [{ ...headers }, {}] as Record<string, string>[]) {
    const early = await ask(other, 'POST', revoke, { headers: { ...asked, prefer: 'wait=0' } });
    expect([early.status, early.body.status]).toEqual([202, 'committed']);
  }
  const retried = ask(other, 'POST', revoke, { headers });
  await verifier.renew();
  verifier.watch();
  expect((await retried).body).toMatchObject({
    status: 'enforced',
    via: 'acks',
    verifiers: { acked: 1, expired: 0 },
    key: { id: body.key.id },
  });
});
