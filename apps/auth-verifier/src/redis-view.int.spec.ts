import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { KEYS_TOPIC, TENANTS_TOPIC } from '#libs/contracts';
import { Verdict } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { digestOf } from '#libs/key-secret';
import { redisKeyView } from '#libs/key-view/serve';
import { createLogger } from '#libs/service-kit';
import { eventually } from '#libs/testing/eventually';
import { type PrivateStack, startPrivateStack } from '#libs/testing/private-stack';
import {
  forger,
  newCredential,
  seal,
  secretRecord,
  tenantRecord,
} from '#libs/verification/record-examples.contract';
import { keyChange } from '#libs/verification/fence-examples.contract';
import { startVerifier, tokens } from './served-verifier.contract.js';

describe('a verifier with its view in Redis', () => {
  let stack: PrivateStack;
  let redis: Redis;
  let verifier: Awaited<ReturnType<typeof startVerifier>>;
  let verify: (credential: string) => Promise<Verdict>;

  beforeAll(async () => {
    stack = await startPrivateStack(['redis']);
    const redisUrl = stack.env.REDIS_URL as string;
    redis = new Redis(redisUrl);
    redis.on('error', () => undefined);
    const logger = createLogger('auth-verifier', 'silent');
    const config = { redisUrl, redisTlsCaFile: '', redisCluster: false };
    const view = redisKeyView(config, logger);
    await eventually(() => view.check());
    verifier = await startVerifier(view);
    const calls = verifier.calls(tokens.both);
    verify = async (credential) => (await calls.verify(credential)).verdict;
  }, 60_000);
  afterAll(async () => {
    await verifier.close();
    redis.disconnect();
    await stack.stop();
  }, 60_000);

  /** A key that key-management has, and whose message was seen. */
  async function publishedKey(): Promise<{ credential: string; digest: string; keyId: string }> {
    const credential = newCredential();
    const digest = digestOf(credential);
    const keyId = `key-${digest}`;
    const record = secretRecord({ digest, keyId });
    verifier.authority.knows(record);
    await verifier.eventLog.play(KEYS_TOPIC, { secrets: [seal.seal('secret', record)] });
    await verifier.eventLog.play(TENANTS_TOPIC, { tenant: seal.seal('tenant', tenantRecord()) });
    return { credential, digest, keyId };
  }

  it('verifies from Redis alone what was published', async () => {
    const { credential } = await publishedKey();
    verifier.authority.away = true;
    expect(await verify(credential)).toBe(Verdict.VALID);
    verifier.authority.away = false;
  });

  it('refills a Redis that was emptied, by itself', async () => {
    const { digest } = await publishedKey();
    await redis.flushall();
    await eventually(async () =>
      expect(await redis.exists(`lk:d:${digest}`, 'lk:t:acme', 'lk:complete')).toBe(3),
    );
  });

  it('never answers VALID for a record forged in Redis, and puts the real one in its place', async () => {
    const { credential, digest, keyId } = await publishedKey();
    const revoked = secretRecord({ digest, keyId, keyState: 'revoked', version: 2 });
    verifier.authority.knows(revoked);
    const { json, sealKeyId, seal: mac } = forger.seal('secret', secretRecord({ digest, keyId, version: 9 }));
    await redis.set(`lk:d:${digest}`, `${Number.MAX_SAFE_INTEGER}|${sealKeyId}|${mac}|${json}`);
    expect(await verify(credential)).toBe(Verdict.REVOKED);
    const real = seal.seal('secret', revoked);
    await eventually(async () =>
      expect(await redis.get(`lk:d:${digest}`)).toBe(`2|k1|${real.seal}|${real.json}`),
    );
  });

  it('goes on near by and from key-management while Redis is away, and from Redis after', async () => {
    const [{ credential, digest }, other] = [await publishedKey(), await publishedKey()];
    const ready = async () => (await fetch(`${verifier.httpUrl}/health/ready`)).json();
    await stack.redis.kill();
    expect(await verify(credential)).toBe(Verdict.VALID);
    expect(await verify(newCredential())).toBe(Verdict.NOT_FOUND);
    expect(await ready()).toMatchObject({ dependencies: { 'key-view': 'down', 'key-management': 'up' } });
    verifier.authority.away = true;
    const calls = verifier.calls(tokens.both);
    expect(await verify(credential)).toBe(Verdict.VALID);
    await expect(calls.verify(other.credential)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    verifier.authority.away = false;
    await stack.redis.start();
    await eventually(async () => expect(await redis.exists(`lk:d:${digest}`, 'lk:complete')).toBe(2));
    verifier.authority.away = true;
    await eventually(async () => expect(await verify(other.credential)).toBe(Verdict.VALID));
    verifier.authority.away = false;
  }, 30_000);

  it('refuses what is revoked while Redis has forgotten, or never heard of it', async () => {
    const { credential, keyId } = await publishedKey();
    await eventually(async () => expect(await verify(credential)).toBe(Verdict.VALID));
    await verifier.fence.commit(keyChange(keyId, 2, { terminal: true }));
    expect(await verify(credential)).toBe(Verdict.REVOKED);
    await redis.flushall();
    expect(await verify(credential)).toBe(Verdict.REVOKED);
  });
});
