import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, jest, afterAll, beforeAll } from '@jest/globals';
import { SERVICE_ROLES } from '#libs/service-kit';
import { eventually } from '#libs/testing/eventually';
import { LatchkeyClient } from '#libs/testing/latchkey-client';
import {
  type Latchkey,
  type LatchkeyProcesses,
  startLatchkeyProcesses,
} from '#libs/testing/latchkey-processes';
import { type LatchkeyStandalone, startLatchkeyStandalone } from '#libs/testing/latchkey-standalone';
import { type PrivateStack, startPrivateStack } from '#libs/testing/private-stack';
import { describeDatabaseRoles } from './identities/database-roles.contract.js';
import { describeGrpcIdentities } from './identities/grpc-identities.contract.js';

jest.setTimeout(60_000);

/** One caller for each role, and one with all of them. */
const CALLERS = Object.fromEntries(
  [...SERVICE_ROLES.map((role) => [role]), [...SERVICE_ROLES]].map((roles) => [
    `only-${roles.join('-')}`,
    { token: randomBytes(24).toString('hex'), roles },
  ]),
);

const noStop = { stop: async () => undefined };

describe('on Kafka, Redis and PostgreSQL', () => {
  let stack: PrivateStack;
  let latchkey: LatchkeyProcesses;
  let secret: string;

  beforeAll(async () => {
    stack = await startPrivateStack(['kafka', 'redis', 'postgres']);
    latchkey = await startLatchkeyProcesses(stack.env, { callers: CALLERS });
    secret = await usedKey(latchkey);
  }, 120_000);

  afterAll(async () => {
    try {
      await latchkey?.stop();
    } finally {
      await stack?.stop();
    }
  }, 60_000);

  describeGrpcIdentities('the real stack', async () => ({
    latchkey,
    callers: CALLERS,
    otherSecrets: { operator: latchkey.operatorToken, key: secret },
    ...noStop,
  }));

  describeDatabaseRoles('the real stack', async () => ({
    adminUrl: latchkey.databaseAdminUrl,
    runtimeUrls: {
      keys: latchkey.environments['key-management']['DATABASE_URL'] as string,
      usage: latchkey.environments.usage['DATABASE_URL'] as string,
      api: latchkey.environments.api['DATABASE_URL'] as string,
    },
    ...noStop,
  }));

  it('no route of HTTP that needs an operator or a key is open to who has another secret, or none', async () => {
    const open = ['/health/live', '/health/ready', '/metrics'];
    for (const url of Object.values(latchkey.httpUrls)) {
      const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as {
        paths: Record<string, object>;
      };
      for (const [path, methods] of Object.entries(paths)) {
        if (open.includes(path)) continue;
        for (const method of Object.keys(methods)) {
          const target = url + path.replace(/\{[^}]+\}/g, 'x');
          const tokens = [
            undefined,
            latchkey.serviceToken,
            url === latchkey.apiUrl ? latchkey.operatorToken : secret,
          ];
          for (const token of tokens) {
            const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
            const { status } = await fetch(target, { method: method.toUpperCase(), headers });
            expect([method, path, status]).toEqual([method, path, 401]);
          }
        }
      }
    }
  });
});

describe('on embedded parts', () => {
  let latchkey: LatchkeyStandalone;
  const file = (name: string) => readFileSync(join(latchkey.directory, name), 'utf8').trim();

  beforeAll(async () => {
    latchkey = await startLatchkeyStandalone();
    await usedKey(latchkey);
  }, 120_000);
  afterAll(() => latchkey?.stop(), 60_000);

  describeGrpcIdentities('embedded parts', async () => ({
    latchkey,
    callers: {
      api: { token: file('service-token-api'), roles: ['verify', 'report', 'manage', 'usage'] },
      'auth-verifier': { token: file('service-token-auth-verifier'), roles: ['project', 'fence'] },
      'key-management': { token: file('service-token-key-management'), roles: ['usage'] },
      user: { token: latchkey.serviceToken, roles: ['verify', 'report', 'usage'] },
    },
    otherSecrets: { operator: latchkey.operatorToken, key: file('demo-key') },
    ...noStop,
  }));

  describeDatabaseRoles('embedded parts', async () => {
    const postgres = join(latchkey.directory, 'postgres');
    const [, , , port] = readFileSync(join(postgres, 'data', 'postmaster.pid'), 'utf8').split('\n');
    const urlOf = (role: string, password: string) =>
      `postgres://${role}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
    return {
      adminUrl: urlOf('postgres', readFileSync(join(postgres, 'superuser-password'), 'utf8').trim()),
      runtimeUrls: Object.fromEntries(
        ['keys', 'usage', 'api', 'log'].map((schema) => [
          schema,
          urlOf(`latchkey_${schema}`, file(`database-${schema}`)),
        ]),
      ),
      ...noStop,
    };
  });
});

/** Makes a key and uses it until that is counted; gives its secret. */
async function usedKey(latchkey: Latchkey): Promise<string> {
  const client = new LatchkeyClient(latchkey);
  try {
    await client.manage('PUT', '/v1/tenants/used', {});
    const { body } = await client.manage(
      'POST',
      '/v1/tenants/used/keys',
      { name: 'k', environment: 'live', scopes: [] },
      { 'idempotency-key': 'used' },
    );
    await client.verdict(body.secret);
    await eventually(
      async () => {
        const usage = await client.manage('GET', `/v1/tenants/used/keys/${body.key.id}/usage`);
        expect(usage.body.requests30d).toBe(1);
      },
      { timeoutMs: 20_000 },
    );
    return body.secret as string;
  } finally {
    client.close();
  }
}
