import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/testing/eventually';
import { LatchkeyClient } from '#libs/testing/latchkey-client';
import type { Latchkey } from '#libs/testing/latchkey-processes';
import { Verdict } from '#libs/contracts/gen/latchkey/v1/verifier_service';

/** What a change of a key may take to reach every verifier, milliseconds: it is eventual, and bounded here only. */
const SPREAD_MS = 20_000;

/** The main job from end to end, the same on the real stack and on embedded parts. */
export function describeJourney(
  name: string,
  start: () => Promise<Latchkey & { stop(): Promise<void> }>,
): void {
  describe(`the main job on ${name}`, () => {
    let latchkey: Latchkey & { stop(): Promise<void> };
    let client: LatchkeyClient;
    const tenantId = `acme-${randomUUID().slice(0, 8)}`;
    const keysPath = `/v1/tenants/${tenantId}/keys`;

    async function createKey(body: object = {}) {
      const answer = await client.manage('POST', keysPath, {
        name: 'k',
        environment: 'live',
        scopes: ['read'],
        ...body,
      });
      expect(answer.status).toBe(201);
      return answer.body as { key: { id: string }; secret: string };
    }

    async function usageOf(keyId: string) {
      const { status, body } = await client.manage('GET', `${keysPath}/${keyId}/usage`);
      expect(status).toBe(200);
      return body;
    }

    beforeAll(async () => {
      latchkey = await start();
      client = new LatchkeyClient(latchkey);
      expect((await client.manage('PUT', `/v1/tenants/${tenantId}`, { name: 'Acme' })).status).toBe(201);
    }, 120_000);

    afterAll(async () => {
      client?.close();
      await latchkey?.stop();
    }, 60_000);

    it('verifies a key at once after it was created, over gRPC and at the API', async () => {
      const { key, secret } = await createKey();
      const response = await client.verify(secret, { requiredScopes: ['read'] });
      expect(response).toMatchObject({
        verdict: Verdict.VALID,
        keyId: key.id,
        tenantId,
        environment: 'live',
        scopes: ['read'],
        secretGeneration: 1,
      });
      const whoami = await client.api('GET', '/v1/whoami', secret);
      expect(whoami.status).toBe(200);
      expect(whoami.body).toMatchObject({ keyId: key.id, tenantId, environment: 'live', scopes: ['read'] });
    });

    it('tells a missing scope, an unknown key and a malformed one apart', async () => {
      const { secret } = await createKey();
      await expect(client.verdict(secret, { requiredScopes: ['write'] })).resolves.toBe('INSUFFICIENT_SCOPE');
      const { secret: other } = await createKey();
      const typo = other.slice(0, -1) + (other.endsWith('a') ? 'b' : 'a');
      await expect(client.verdict(typo)).resolves.toBe('MALFORMED');
      await expect(client.verdictsOfBatch([secret, typo, ''])).resolves.toEqual([
        'VALID',
        'MALFORMED',
        'MALFORMED',
      ]);
    });

    it('keeps both secrets valid in the grace period of a rotation, and retires the previous one early', async () => {
      const { key, secret } = await createKey();
      const rotated = await client.manage('POST', `${keysPath}/${key.id}/rotate`, { graceSeconds: 3600 });
      expect(rotated.status).toBe(200);
      await expect(client.verdict(rotated.body.secret)).resolves.toBe('VALID');
      await expect(client.verdict(secret)).resolves.toBe('VALID');
      const retired = await client.manage('POST', `${keysPath}/${key.id}/retire-previous-secret`);
      expect([retired.status, retired.body.status]).toEqual([200, 'enforced']);
      await expect(client.verdict(secret)).resolves.toBe('SECRET_RETIRED');
      await expect(client.verdict(rotated.body.secret)).resolves.toBe('VALID');
    });

    it('refuses a revoked key at the very next request and for ever, and no other key of the tenant', async () => {
      const { key, secret } = await createKey();
      const { secret: other } = await createKey();
      await expect(client.verdict(secret)).resolves.toBe('VALID');
      for (let times = 0; times < 2; times += 1) {
        const revoked = await client.manage('POST', `${keysPath}/${key.id}/revoke`, { reason: 'leaked' });
        expect([revoked.status, revoked.body.status]).toEqual([200, 'enforced']);
        await expect(client.verdict(secret)).resolves.toBe('REVOKED');
      }
      expect((await client.api('GET', '/v1/whoami', secret)).status).toBe(401);
      await expect(client.verdict(other)).resolves.toBe('VALID');
      const { body } = await client.manage('GET', `${keysPath}/${key.id}/events`);
      expect(body.data.map(({ type }: { type: string }) => type)).toEqual(['KeyCreated', 'KeyRevoked']);
      expect(body.data[1]).toMatchObject({ reason: 'leaked', actor: { type: 'operator', id: 'operator' } });
    });

    it('refuses the keys of a suspended tenant until it is resumed', async () => {
      const tenant = `${tenantId}-suspended`;
      await client.manage('PUT', `/v1/tenants/${tenant}`, {});
      const created = await client.manage('POST', `/v1/tenants/${tenant}/keys`, {
        name: 'k',
        environment: 'test',
        scopes: [],
      });
      const { secret } = created.body;
      await expect(client.verdict(secret)).resolves.toBe('VALID');
      const suspended = await client.manage('POST', `/v1/tenants/${tenant}/suspend`, { reason: 'overdue' });
      expect([suspended.status, suspended.body.status]).toEqual([200, 'enforced']);
      await expect(client.verdict(secret)).resolves.toBe('TENANT_SUSPENDED');
      await client.manage('POST', `/v1/tenants/${tenant}/resume`);
      await eventually(async () => expect(await client.verdict(secret)).toBe('VALID'), {
        timeoutMs: SPREAD_MS,
      });
    });

    it('counts every verified request once, by outcome, whether a verifier counts it, a caller reports it or the API', async () => {
      const { key, secret } = await createKey();
      for (let i = 0; i < 5; i += 1) await client.verdict(secret);
      await client.verdict(secret, { requiredScopes: ['write'] });
      for (let i = 0; i < 3; i += 1) await client.api('GET', '/v1/whoami', secret);
      expect((await client.api('GET', '/no/such/path', secret)).status).toBe(404);
      const report = {
        requestId: randomUUID(),
        keyId: key.id,
        tenantId,
        environment: 'live',
        verdict: Verdict.VALID,
        status: 200,
        route: '/orders',
        method: 'GET',
        occurredAt: undefined,
      };
      await client.report([report, report]);
      await client.report([report]);
      await eventually(
        async () =>
          expect(await usageOf(key.id)).toMatchObject({
            requests30d: 11,
            refused30d: 0,
            byOutcome: { VALID: 10, INSUFFICIENT_SCOPE: 1 },
          }),
        { timeoutMs: SPREAD_MS },
      );
      const usage = await usageOf(key.id);
      expect(Date.parse(usage.lastUsedAt)).toBeGreaterThanOrEqual(Date.parse(usage.createdAt) - 1000);
      expect(Date.parse(usage.lastAuthenticatedAt)).toBeGreaterThanOrEqual(Date.parse(usage.lastUsedAt));
      expect(Date.parse(usage.windowStart) % 900_000).toBe(0);
    });

    it("lets a managing key handle its tenant's keys within its own rights, and nothing beyond", async () => {
      const { secret: managing } = await createKey({ scopes: ['keys:manage', 'read'] });
      const created = await client.api('POST', '/v1/keys', managing, {
        name: 'child',
        environment: 'live',
        scopes: ['read'],
      });
      expect(created.status).toBe(201);
      await expect(client.verdict(created.body.secret)).resolves.toBe('VALID');
      const wider = await client.api('POST', '/v1/keys', managing, {
        name: 'x',
        environment: 'live',
        scopes: ['write'],
      });
      expect(wider.status).toBe(403);
      const list = await client.api('GET', '/v1/keys?limit=100', managing);
      expect(list.status).toBe(200);
      expect(list.body.data.map(({ id }: { id: string }) => id)).toContain(created.body.key.id);
      const rotated = await client.api('POST', `/v1/keys/${created.body.key.id}/rotate`, managing, {
        graceSeconds: 0,
      });
      expect(rotated.status).toBe(200);
      await expect(client.verdict(rotated.body.secret)).resolves.toBe('VALID');
      expect((await client.api('POST', `/v1/keys/${created.body.key.id}/revoke`, managing, {})).status).toBe(
        200,
      );
      const { secret: plain } = await createKey();
      expect((await client.api('GET', '/v1/keys', plain)).status).toBe(403);
    });

    it("hides another tenant's key as if there were none", async () => {
      const { key } = await createKey();
      await client.manage('PUT', `/v1/tenants/${tenantId}-other`, {});
      const there = await client.manage('GET', `/v1/tenants/${tenantId}-other/keys/${key.id}`);
      const nowhere = await client.manage('GET', `/v1/tenants/${tenantId}-other/keys/key_none`);
      expect(there.status).toBe(404);
      const { requestId: _, ...problem } = there.body;
      expect(nowhere.body).toMatchObject(problem);
    });

    it('serves an OpenAPI document and a page to browse it from every HTTP service', async () => {
      const services = [latchkey.apiUrl, latchkey.managementUrl, latchkey.usageUrl, latchkey.verifierUrl];
      for (const url of services) {
        const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
          openapi: string;
          paths: object;
        };
        expect(document.openapi).toMatch(/^3\./);
        expect(Object.keys(document.paths).length).toBeGreaterThan(0);
        const page = await fetch(`${url}/docs`);
        expect(page.status).toBe(200);
        expect(await page.text()).toMatch(/swagger/i);
      }
    });
  });
}
