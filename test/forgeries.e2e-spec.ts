import { randomBytes, randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Producer } from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { KEYS_TOPIC, type KeyMessage, type SealedRecord, TENANTS_TOPIC } from '#libs/contracts';
import { digestOf } from '#libs/key-secret';
import { newDefaultSecret } from '#libs/testing/default-secret';
import { RecordSeal, type SecretRecord } from '#libs/key-view';
import { eventually } from '#libs/testing/eventually';
import { LatchkeyClient } from '#libs/testing/latchkey-client';
import { type LatchkeyProcesses, startLatchkeyProcesses } from '#libs/testing/latchkey-processes';
import { type PrivateStack, startPrivateStack } from '#libs/testing/private-stack';
import { Accounts } from './faults/accounts.js';
import { kafkaOf, recordsOf } from './faults/kafka-topics.js';

jest.setTimeout(120_000);

const SPREAD_MS = 20_000;
/** Knows everything but the seal key: even its id. */
const forger = new RecordSeal([{ id: '1', key: randomBytes(32) }]);
const VERSION_MAX = Number.MAX_SAFE_INTEGER;

describe('who can write Kafka and Redis but has no seal key', () => {
  let stack: PrivateStack;
  let latchkey: LatchkeyProcesses;
  let client: LatchkeyClient;
  let accounts: Accounts;
  let redis: Redis;
  let producer: Producer;
  let alarmsBefore: number;
  const tenantId = `forged-${randomUUID().slice(0, 8)}`;
  const keysPath = `/v1/tenants/${tenantId}/keys`;

  beforeAll(async () => {
    stack = await startPrivateStack(['kafka', 'redis', 'postgres']);
    // With nothing near by, every answer passes by what stands in Redis.
    const environment = { LATCHKEY_NEAR_CACHE_RECORDS_MAX: '0' };
    latchkey = await startLatchkeyProcesses(stack.env, { environment });
    client = new LatchkeyClient(latchkey);
    accounts = new Accounts(latchkey, stack.env['KAFKA_BROKERS'] as string);
    redis = new Redis(stack.env['REDIS_URL'] as string);
    producer = kafkaOf(stack.env['KAFKA_BROKERS'] as string).producer();
    await producer.connect();
    await client.manage('PUT', `/v1/tenants/${tenantId}`, {});
  });

  afterAll(async () => {
    client?.close();
    redis?.disconnect();
    await producer?.disconnect();
    try {
      await latchkey?.stop();
    } finally {
      await stack?.stop();
    }
  });

  const alarms = () => accounts.metric('auth-verifier', 'latchkey_bad_seals_total');

  beforeEach(async () => {
    alarmsBefore = await alarms();
  });

  // Whatever was tried, the verifier goes on with what is true.
  afterEach(async () => {
    const { secret } = await createKey();
    await expect(client.verdict(secret)).resolves.toBe('VALID');
  });

  const untilAlarmed = (times: number) =>
    eventually(async () => expect((await alarms()) - alarmsBefore).toBeGreaterThanOrEqual(times), {
      timeoutMs: SPREAD_MS,
    });

  async function createKey(): Promise<{ keyId: string; secret: string; digest: string }> {
    const { body } = await client.manage('POST', keysPath, {
      name: 'k',
      environment: 'live',
      scopes: ['read'],
    });
    return { keyId: body.key.id, secret: body.secret, digest: digestOf(body.secret) };
  }

  async function revoke({ keyId, secret }: { keyId: string; secret: string }): Promise<void> {
    await client.manage('POST', `${keysPath}/${keyId}/revoke`, { reason: 'leaked' });
    await eventually(async () => expect(await client.verdict(secret)).toBe('REVOKED'), {
      timeoutMs: SPREAD_MS,
    });
  }

  function forgedRecord(digest: string, changes: Partial<SecretRecord> = {}): SecretRecord {
    return {
      digest,
      keyId: 'key_forged',
      tenantId,
      environment: 'live',
      scopes: ['read', 'write', 'keys:manage'],
      generation: 1,
      secretState: 'current',
      validUntilMs: null,
      keyState: 'active',
      expiresAtMs: null,
      requestsPerMinute: null,
      version: VERSION_MAX,
      ...changes,
    };
  }

  const messageWith = (keyId: string, ...secrets: SealedRecord[]): KeyMessage => ({
    keyId,
    tenantId,
    version: VERSION_MAX,
    createdAtMs: Date.now(),
    secrets,
  });

  const publish = (topic: string, key: string, value: object | string | null) =>
    producer.send({
      topic,
      messages: [{ key, value: typeof value === 'object' && value !== null ? JSON.stringify(value) : value }],
    });

  const setInRedis = (key: string, version: number, { sealKeyId, seal, json }: SealedRecord) =>
    redis.set(key, `${version}|${sealKeyId}|${seal}|${json}`);

  /** What the view has under a digest, once it is there. */
  const storedRecord = (digest: string) =>
    eventually(
      async () => {
        const match = /^(\d+)\|([^|]*)\|([^|]*)\|(.*)$/.exec((await redis.get(`lk:d:${digest}`)) ?? '');
        if (match === null) throw new Error('no record yet');
        const [, version, sealKeyId = '', seal = '', json = ''] = match;
        return { version: Number(version), sealed: { sealKeyId, seal, json } };
      },
      { timeoutMs: SPREAD_MS },
    );

  it('cannot make a key by a message of its own', async () => {
    const secret = newDefaultSecret();
    const record = forgedRecord(digestOf(secret));
    const foreign = new RecordSeal([{ id: 'unknown', key: randomBytes(32) }]);
    const unsealed = { ...forger.seal('secret', record), seal: '' };
    for (const sealed of [forger.seal('secret', record), foreign.seal('secret', record), unsealed]) {
      await publish(KEYS_TOPIC, record.keyId, messageWith(record.keyId, sealed));
    }
    await untilAlarmed(3);
    await expect(client.verdict(secret)).resolves.toBe('NOT_FOUND');
    expect((await client.api('GET', '/v1/whoami', secret)).status).toBe(401);
  });

  it('cannot give the record of a real key to a secret of its own', async () => {
    const { keyId, digest } = await createKey();
    const secret = newDefaultSecret();
    const { sealed } = await storedRecord(digest);
    const moved = { ...sealed, json: sealed.json.replace(digest, digestOf(secret)) };
    expect(moved.json).not.toBe(sealed.json);
    await publish(KEYS_TOPIC, keyId, messageWith(keyId, moved));
    await untilAlarmed(1);
    await expect(client.verdict(secret)).resolves.toBe('NOT_FOUND');
  });

  it('cannot bring a revoked key back by the messages from before', async () => {
    const key = await createKey();
    await eventually(() => storedRecord(key.digest));
    await revoke(key);
    const records = await recordsOf(stack.env['KAFKA_BROKERS'] as string, KEYS_TOPIC);
    const before = records.filter((record) => String(record.key) === key.keyId);
    expect(before.map(({ headers }) => String(headers?.['ce_type']))).toEqual(['KeyCreated', 'KeyRevoked']);
    for (const { value } of before) await publish(KEYS_TOPIC, key.keyId, String(value));
    const newer = JSON.parse(String(before[0]?.value)) as KeyMessage;
    await publish(KEYS_TOPIC, key.keyId, { ...newer, version: VERSION_MAX });
    const later = await createKey();
    await publish(
      KEYS_TOPIC,
      key.keyId,
      messageWith(key.keyId, forger.seal('secret', forgedRecord(key.digest))),
    );
    await untilAlarmed(1);
    await expect(client.verdict(key.secret)).resolves.toBe('REVOKED');
    await expect(client.verdict(later.secret)).resolves.toBe('VALID');
  });

  it('cannot make a key by a record in Redis', async () => {
    const good = await createKey();
    const { version, sealed } = await storedRecord(good.digest);
    const made = newDefaultSecret();
    await setInRedis(
      `lk:d:${digestOf(made)}`,
      VERSION_MAX,
      forger.seal('secret', forgedRecord(digestOf(made))),
    );
    const copied = newDefaultSecret();
    await setInRedis(`lk:d:${digestOf(copied)}`, version, sealed);
    const other = newDefaultSecret();
    await redis.set(`lk:d:${digestOf(other)}`, 'VALID');
    for (const secret of [made, copied, other]) {
      await expect(client.verdict(secret)).resolves.toBe('NOT_FOUND');
      await expect(client.verdictsOfBatch([secret])).resolves.toEqual(['NOT_FOUND']);
    }
    expect((await alarms()) - alarmsBefore).toBeGreaterThanOrEqual(3);
  });

  it('cannot change what a key may do, nor take it away, by another record in the place of its own', async () => {
    const key = await createKey();
    const { version } = await storedRecord(key.digest);
    for (const changes of [{ keyState: 'revoked' as const }, { keyId: key.keyId }]) {
      const forged = forger.seal('secret', forgedRecord(key.digest, changes));
      await setInRedis(`lk:d:${key.digest}`, VERSION_MAX, forged);
      const answer = await client.verify(key.secret, { requiredScopes: ['read'] });
      expect(answer).toMatchObject({ verdict: 'VERDICT_VALID', keyId: key.keyId, scopes: ['read'] });
      await expect(client.verdict(key.secret, { requiredScopes: ['write'] })).resolves.toBe(
        'INSUFFICIENT_SCOPE',
      );
      // Its own record is back, in spite of the version that the forged one claimed.
      await eventually(async () => expect((await storedRecord(key.digest)).version).toBe(version));
    }
    expect((await alarms()) - alarmsBefore).toBeGreaterThanOrEqual(2);
  });

  it('cannot bring a revoked key or a suspended tenant back by a record in Redis', async () => {
    const key = await createKey();
    await revoke(key);
    await setInRedis(
      `lk:d:${key.digest}`,
      VERSION_MAX,
      forger.seal('secret', forgedRecord(key.digest, { keyId: key.keyId })),
    );
    await expect(client.verdict(key.secret)).resolves.toBe('REVOKED');

    const suspended = `${tenantId}-suspended`;
    await client.manage('PUT', `/v1/tenants/${suspended}`, {});
    const { body } = await client.manage('POST', `/v1/tenants/${suspended}/keys`, {
      name: 'k',
      environment: 'live',
      scopes: [],
    });
    await client.manage('POST', `/v1/tenants/${suspended}/suspend`, { reason: 'overdue' });
    await eventually(async () => expect(await client.verdict(body.secret)).toBe('TENANT_SUSPENDED'), {
      timeoutMs: SPREAD_MS,
    });
    const active = {
      tenantId: suspended,
      state: 'active' as const,
      profile: 'default',
      plan: null,
      version: VERSION_MAX,
    };
    await setInRedis(`lk:t:${suspended}`, VERSION_MAX, forger.seal('tenant', active));
    await publish(TENANTS_TOPIC, suspended, {
      tenantId: suspended,
      version: VERSION_MAX,
      tenant: forger.seal('tenant', active),
    });
    await untilAlarmed(2);
    await expect(client.verdict(body.secret)).resolves.toBe('TENANT_SUSPENDED');
    expect((await alarms()) - alarmsBefore).toBeGreaterThanOrEqual(3);
  });

  it('cannot stop the projection by messages and values of any other form', async () => {
    const key = await createKey();
    await storedRecord(key.digest);
    const nonsense = [
      '',
      'null',
      '[]',
      '{"secrets":{}}',
      '{"secrets":[null]}',
      '{"secrets":[{"json":"{"}]}',
      '\u0000',
    ];
    for (const value of [...nonsense, null]) {
      await publish(KEYS_TOPIC, key.keyId, value);
      await publish(TENANTS_TOPIC, tenantId, value);
    }
    await redis.del(`lk:d:${key.digest}`, `lk:t:${tenantId}`);
    await redis.lpush(`lk:d:${key.digest}`, 'no string');
    await redis.hset(`lk:t:${tenantId}`, 'no', 'string');
    await expect(client.verdict(key.secret)).resolves.toBe('VALID');
    await untilAlarmed(2 * (nonsense.length + 1));
    // A change still arrives: nothing waits behind what was left out.
    await revoke(key);
  });
});
