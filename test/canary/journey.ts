import { randomBytes } from 'node:crypto';
import { credentials } from '@grpc/grpc-js';
import { expect } from '@jest/globals';
import {
  CreateKeyRequest,
  KeyManagementServiceClient,
} from '#libs/contracts/gen/latchkey/v1/key_management_service';
import { digestOf } from '#libs/key-secret';
import type { LatchkeyProcesses } from '#libs/testing/latchkey-processes';
import type { WatchingClient } from './watching-client.js';

export const TENANT = 'canary-tenant';
export const KEYS_PATH = `/v1/tenants/${TENANT}/keys`;
/** Of the keys that are imported. */
export const LEGACY_PATTERN = '^legacy-[0-9a-f]{48}$';
export const WISH = { name: 'k', environment: 'live', scopes: ['read', 'keys:manage'] };

export const canary = (prefix: string) => prefix + randomBytes(24).toString('hex');

/** Issues keys in every way there is. */
export async function issueKeys(latchkey: LatchkeyProcesses, client: WatchingClient): Promise<void> {
  const { managementUrl, apiUrl, operatorToken, serviceToken } = latchkey;
  const keys = managementUrl + KEYS_PATH;
  const { secrets } = client;
  await client.ask(`${managementUrl}/v1/tenants/${TENANT}`, operatorToken, 'PUT', { name: 'Canary' });
  const once = { 'idempotency-key': 'created-once' };
  const created = await client.issue('created key', keys, operatorToken, 'POST', WISH, once);
  await client.ask(keys, operatorToken, 'POST', WISH, once);
  await client.ask(keys, operatorToken, 'POST', { ...WISH, name: 'other' }, once);
  const rotation = `${keys}/${created.keyId}/rotate`;
  const rotated = await client.issue('rotated key', rotation, operatorToken, 'POST', { graceSeconds: 600 });
  await client.ask(rotation, operatorToken, 'POST', {});

  const child = { name: 'child', environment: 'live', scopes: ['read'] };
  const managed = await client.issue(
    'key created by a key',
    `${apiUrl}/v1/keys`,
    rotated.secret,
    'POST',
    child,
  );
  const managedUrl = `${apiUrl}/v1/keys/${managed.keyId}`;
  await client.issue('key rotated by a key', `${managedUrl}/rotate`, rotated.secret, 'POST', {});
  await client.ask(`${managedUrl}/revoke`, rotated.secret, 'POST', {});

  const management = new KeyManagementServiceClient(
    latchkey.addresses.management,
    credentials.createInsecure(),
  );
  const overGrpc = CreateKeyRequest.fromPartial({
    tenantId: TENANT,
    name: 'grpc',
    environment: 'test',
    actor: { type: 'service' },
  });
  const { response } = await client.call(management.createKey.bind(management), overGrpc, serviceToken);
  secrets['key created over gRPC'] = response.secret;
  management.close();

  secrets['imported key'] = canary('legacy-');
  const imported = { ...WISH, digest: digestOf(secrets['imported key']), attestedEntropyBits: 192 };
  expect((await client.ask(`${keys}/import`, operatorToken, 'POST', imported)).status).toBe(201);
  expect((await client.ask(`${keys}/import`, operatorToken, 'POST', imported)).status).toBe(409);

  const revoked = await client.issue('revoked key', keys, operatorToken, 'POST', WISH);
  await client.ask(`${keys}/${revoked.keyId}/revoke`, operatorToken, 'POST', { reason: 'leaked' });
  secrets['key of someone else'] = canary('sk_live_foreign_');
  secrets['key that is too long'] = canary('lk_live_').padEnd(600, 'x');
  secrets['key that is not ASCII'] = `${canary('lk_live_')}é`;
  secrets['wrong token'] = canary('wrong-operator-token-');
}

/** Shows every secret where a secret is expected, the right one and the wrong ones. */
export async function showSecrets(latchkey: LatchkeyProcesses, client: WatchingClient): Promise<void> {
  const { apiUrl, managementUrl } = latchkey;
  const created = client.secrets['created key'] as string;
  const typo = created.slice(0, -1) + (created.endsWith('a') ? 'b' : 'a');
  for (const secret of [...Object.values(client.secrets), typo]) {
    await client.verify(secret);
    await client.verify(secret, { requiredScopes: ['write'], route: '/orders', method: 'POST' });
    // No header can carry it.
    if (!/^[\x21-\x7e]+$/.test(secret)) continue;
    await client.verify('', {}, secret);
    await client.ask(`${apiUrl}/v1/whoami`, secret);
    await client.ask(`${apiUrl}/no/such/path`, secret, 'POST', { any: 'thing' });
    await client.ask(`${apiUrl}/v1/keys`, secret);
    await client.ask(managementUrl + KEYS_PATH, secret, 'POST', WISH);
  }
}

/** Sends a good key where none belongs. The name of a field is not among that: answers name each wrong field. */
export async function misplaceSecrets(latchkey: LatchkeyProcesses, client: WatchingClient): Promise<void> {
  const { apiUrl, managementUrl, usageUrl, operatorToken } = latchkey;
  const keys = managementUrl + KEYS_PATH;
  const secret = client.secrets['rotated key'] as string;
  for (const url of [`${apiUrl}/v1/whoami`, keys, `${usageUrl}${KEYS_PATH}/key_x/usage`]) {
    await client.ask(`${url}?api_key=${secret}`, undefined);
    await client.ask(`${url}/${secret}`, undefined);
    await client.ask(`${url}/%zz${secret}`, undefined);
    await client.ask(url, `Basic ${Buffer.from(`user:${secret}`).toString('base64')}`);
    await client.ask(url, `Bearer ${secret} ${secret}`);
    const headers = { 'x-api-key': secret, cookie: `key=${secret}`, referer: `http://x/${secret}` };
    await client.ask(url, undefined, 'GET', undefined, headers);
    await client.ask(url, undefined, 'POST', { credential: secret });
  }
  for (const body of [
    `{"name": "${secret}`,
    `"${secret}"`,
    secret,
    { ...WISH, secret },
    { ...WISH, environment: secret },
    { ...WISH, scopes: [secret] },
    { ...WISH, expiresAt: secret },
    { ...WISH, name: { secret } },
    { digest: secret, attestedEntropyBits: secret },
  ]) {
    expect((await client.ask(keys, operatorToken, 'POST', body)).status).toBe(400);
    expect((await client.ask(`${keys}/import`, operatorToken, 'POST', body)).status).toBe(400);
    expect((await client.ask(`${apiUrl}/v1/keys`, secret, 'POST', body)).status).toBe(400);
  }
  await client.ask(keys, operatorToken, 'POST', secret, { 'content-type': 'text/plain' });
  await client.ask(`${keys}?cursor=${secret}`, operatorToken);
  await client.ask(`${keys}/${secret}`, operatorToken);
}
