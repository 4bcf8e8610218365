import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { status as grpcStatus } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { KEYS_TOPIC, type RequestEvent, type RequestEventBatch, TENANTS_TOPIC } from '#libs/contracts';
import { Counting, type RequestReport, Verdict } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { digestOf } from '#libs/key-secret';
import type { SecretRecord } from '#libs/key-view';
import { RevisionSeal } from '#libs/fence';
import { eventually } from '#libs/testing/eventually';
import { profilesDirectoryWith } from '#libs/testing/profiles-directory';
import { tenantChange } from '#libs/verification/fence-examples.contract';
import {
  forger,
  LosableKeyView,
  newCredential,
  seal,
  sealKeys,
  secretRecord,
  tenantRecord,
} from '#libs/verification/record-examples.contract';
import { seynCredential } from '#libs/verification/profile-examples.contract';
import {
  profileTokens,
  startVerifier,
  statusOf,
  tokens,
  verifyRequest,
} from '../served-verifier.contract.js';

const revisions = new RevisionSeal(sealKeys);

const profiles = profilesDirectoryWith('^sk_[0-9a-f]{32}$');

let verifier: Awaited<ReturnType<typeof startVerifier<LosableKeyView>>>;
let calls: ReturnType<(typeof verifier)['calls']>;

beforeAll(async () => {
  verifier = await startVerifier(new LosableKeyView(), {
    LATCHKEY_PROFILES_DIR: profiles,
  });
  calls = verifier.calls(tokens.both);
}, 30_000);
afterAll(async () => {
  await verifier.close();
  rmSync(profiles, { recursive: true });
});
beforeEach(() => {
  verifier.authority.away = false;
  verifier.keyView.away = false;
  verifier.authority.sealing = seal;
});

function newKeyId(): string {
  return `key-${randomUUID()}`;
}

/** A key in the view alone, so that an answer about it came from there. */
async function keyInView(changes: Partial<SecretRecord> = {}, tenant = tenantRecord()): Promise<string> {
  const credential = newCredential();
  const record = secretRecord({ digest: digestOf(credential), keyId: newKeyId(), ...changes });
  await verifier.eventLog.play(KEYS_TOPIC, { secrets: [seal.seal('secret', record)] });
  await verifier.eventLog.play(TENANTS_TOPIC, { tenant: seal.seal('tenant', tenant) });
  return credential;
}

async function metric(line: string): Promise<number> {
  const text = await (await fetch(`${verifier.httpUrl}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.split(' ')[1] ?? 0,
  );
}

/** All that lies in the spool, as text. */
function spooled(): string {
  const directory = join(verifier.directory, 'spool');
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((each) =>
    each.isFile(),
  );
  return files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1')).join('');
}

/** The events that reached the log, by request id. */
function publishedEvents(): Map<string, RequestEvent[]> {
  const events = verifier.eventLog.published.flatMap(
    (value) => (JSON.parse(value) as RequestEventBatch).events,
  );
  const byId = new Map<string, RequestEvent[]>();
  for (const event of events) byId.set(event.requestId, [...(byId.get(event.requestId) ?? []), event]);
  return byId;
}

describe('Verify', () => {
  it('answers VALID with everything that is known of the key', async () => {
    const expiresAtMs = Date.now() + 60_000;
    const credential = await keyInView({ keyId: 'key-7', expiresAtMs, generation: 2, version: 5 });
    const { requestId, ...answer } = await calls.verify(credential, { requiredScopes: ['read'] });
    expect(answer).toEqual({
      verdict: Verdict.VALID,
      keyId: 'key-7',
      tenantId: 'acme',
      environment: 'live',
      scopes: ['read', 'write'],
      expiresAt: new Date(expiresAtMs),
      secretGeneration: 2,
      revision: expect.any(String),
      degraded: undefined,
    });
    expect(revisions.open(answer.revision)).toEqual({
      epoch: 'epoch-1',
      head: verifier.fence.head,
      stream: 'key-key-7',
      version: 5,
    });
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each<[Verdict, Partial<SecretRecord>]>([
    [Verdict.REVOKED, { keyState: 'revoked' }],
    [Verdict.SECRET_RETIRED, { secretState: 'retired' }],
    [Verdict.EXPIRED, { expiresAtMs: 1000 }],
    [Verdict.INSUFFICIENT_SCOPE, { scopes: ['write'] }],
  ])('answers %s with the key named', async (verdict, changes) => {
    const keyId = newKeyId();
    const credential = await keyInView({ keyId, ...changes });
    const answer = await calls.verify(credential, { requiredScopes: ['read'] });
    expect(answer).toMatchObject({ verdict, keyId, tenantId: 'acme', secretGeneration: 1 });
    expect(answer.expiresAt).toEqual(changes.expiresAtMs === undefined ? undefined : new Date(1000));
  });

  it('answers TENANT_SUSPENDED while the tenant is suspended, and VALID after', async () => {
    const tenant = tenantRecord({ tenantId: 'umbrella', state: 'suspended', version: 2 });
    const credential = await keyInView({ tenantId: 'umbrella' }, tenant);
    expect((await calls.verify(credential)).verdict).toBe(Verdict.TENANT_SUSPENDED);
    const resumed = seal.seal('tenant', { ...tenant, state: 'active', version: 3 });
    await verifier.eventLog.play(TENANTS_TOPIC, { tenant: resumed });
    await verifier.fence.commit(tenantChange('umbrella', 3, { kind: 'HINT' }));
    expect((await calls.verify(credential)).verdict).toBe(Verdict.VALID);
  });

  it('answers NOT_FOUND for a secret that no key ever had, and names nothing', async () => {
    const answer = await calls.verify(newCredential());
    expect(answer).toEqual({
      verdict: Verdict.NOT_FOUND,
      requestId: answer.requestId,
      keyId: '',
      tenantId: '',
      environment: '',
      scopes: [],
      expiresAt: undefined,
      secretGeneration: 0,
      revision: '',
      degraded: undefined,
    });
  });

  it('answers MALFORMED without asking anyone', async () => {
    const askedBefore = verifier.authority.asked;
    verifier.keyView.away = true;
    const credential = newCredential();
    const wrong = [
      '',
      'x',
      `${credential}0`,
      `${credential}, ${credential}`,
      'é'.repeat(10),
      'a'.repeat(513),
    ];
    for (const each of [...wrong, digestOf(credential)]) {
      expect((await calls.verify(each)).verdict).toBe(Verdict.MALFORMED);
    }
    expect(verifier.authority.asked).toBe(askedBefore);
  });

  it('verifies an imported key of an accepted pattern, as soon as its message is there', async () => {
    const credential = `sk_${digestOf(newCredential()).slice(0, 32)}`;
    expect((await calls.verify(credential)).verdict).toBe(Verdict.NOT_FOUND);
    const record = secretRecord({ digest: digestOf(credential), keyId: newKeyId() });
    await verifier.eventLog.play(KEYS_TOPIC, { secrets: [seal.seal('secret', record)] });
    await verifier.eventLog.play(TENANTS_TOPIC, { tenant: seal.seal('tenant', tenantRecord()) });
    expect((await calls.verify(credential)).verdict).toBe(Verdict.VALID);
  });

  it('reads a key through that the view does not have yet, and puts it there', async () => {
    const credential = newCredential();
    const record = secretRecord({ digest: digestOf(credential), keyId: newKeyId() });
    verifier.authority.knows(record);
    expect((await calls.verify(credential)).verdict).toBe(Verdict.VALID);
    await eventually(async () => {
      const [kept] = await verifier.keyView.find([{ kind: 'secret', id: record.digest }]);
      expect(kept).toEqual(seal.seal('secret', record));
    });
    verifier.authority.away = true;
    expect((await calls.verify(credential)).verdict).toBe(Verdict.VALID);
  });

  it('asks key-management while the view is away, and is UNAVAILABLE without either', async () => {
    const [credential, other] = [await keyInView(), await keyInView()];
    const revoked = { keyId: newKeyId(), keyState: 'revoked', version: 2 } as const;
    verifier.authority.knows(secretRecord({ ...revoked, digest: digestOf(credential) }));
    verifier.keyView.away = true;
    expect((await calls.verify(credential)).verdict).toBe(Verdict.REVOKED);
    expect((await calls.verify(newCredential())).verdict).toBe(Verdict.NOT_FOUND);
    verifier.authority.away = true;
    await expect(calls.verify(other)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(calls.verify(newCredential())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    verifier.keyView.away = false;
    expect((await calls.verify(other)).verdict).toBe(Verdict.VALID);
  });

  it('never answers VALID for a record forged in the view, and alarms', async () => {
    const before = await metric('latchkey_bad_seals_total');
    const credential = newCredential();
    const digest = digestOf(credential);
    const tenant = { kind: 'tenant', id: 'forged' } as const;
    await verifier.keyView.put(tenant, 1, forger.seal('tenant', tenantRecord({ tenantId: 'forged' })));
    const forged = forger.seal('secret', secretRecord({ digest, tenantId: 'forged' }));
    await verifier.keyView.put({ kind: 'secret', id: digest }, 1, forged);
    expect((await calls.verify(credential)).verdict).toBe(Verdict.NOT_FOUND);
    verifier.authority.away = true;
    expect((await calls.verify(credential)).verdict).toBe(Verdict.NOT_FOUND);
    expect(await metric('latchkey_bad_seals_total')).toBe(before + 1);
  });

  it('does not let a forged tenant record lift a suspension', async () => {
    const suspended = tenantRecord({ tenantId: 'bad', state: 'suspended' });
    const credential = await keyInView({ tenantId: 'bad' }, suspended);
    verifier.authority.knows(secretRecord({ digest: digestOf(credential), tenantId: 'bad' }), suspended);
    const forged = forger.seal('tenant', { ...suspended, state: 'active', version: 9 });
    await verifier.keyView.put({ kind: 'tenant', id: 'bad' }, Number.MAX_SAFE_INTEGER, forged);
    expect((await calls.verify(credential)).verdict).toBe(Verdict.TENANT_SUSPENDED);
  });

  it('never answers VALID for a message forged on the topic', async () => {
    const credential = newCredential();
    const forged = forger.seal('secret', secretRecord({ digest: digestOf(credential) }));
    await verifier.eventLog.play(KEYS_TOPIC, { secrets: [forged] });
    expect((await calls.verify(credential)).verdict).toBe(Verdict.NOT_FOUND);
  });

  it('never passes the sealed record of one secret for another', async () => {
    const [own, wanted] = [newCredential(), newCredential()];
    const sealed = seal.seal('secret', secretRecord({ digest: digestOf(own) }));
    await verifier.keyView.put({ kind: 'secret', id: digestOf(wanted) }, 1, sealed);
    expect((await calls.verify(wanted)).verdict).toBe(Verdict.NOT_FOUND);
  });

  it('refuses a wrong request naming its fields', async () => {
    const wrong = calls.verify(newCredential(), { method: 'a\n', requiredScopes: ['READ'] });
    await expect(wrong).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      fields: [{ field: 'requiredScopes.0' }, { field: 'method' }],
    });
  });

  it('has written the event of a counted request when it answers', async () => {
    const credential = await keyInView();
    for (let i = 0; i < 20; i += 1) {
      const { requestId } = await calls.verify(credential);
      expect(spooled() + verifier.eventLog.published.join('')).toContain(requestId);
    }
  });

  it('hands over one event of each request that names a key, unless the caller reports it', async () => {
    const credential = await keyInView({ keyId: 'key-9', scopes: [] });
    const counted = await calls.verify(credential, { requiredScopes: ['read'] });
    const unspecified = await calls.verify(credential, { counting: Counting.UNSPECIFIED });
    const reportedLater = await calls.verify(credential, { counting: Counting.CALLER_REPORTS });
    const nameless = await calls.verify(newCredential());
    await eventually(() => {
      const events = publishedEvents();
      expect(events.get(counted.requestId)).toEqual([
        {
          requestId: counted.requestId,
          tenantId: 'acme',
          keyId: 'key-9',
          environment: 'live',
          outcome: 'INSUFFICIENT_SCOPE',
          status: null,
          route: '/v1/things',
          method: 'GET',
          caller: 'both',
          occurredAtMs: expect.any(Number),
          reported: false,
        },
      ]);
      expect(events.get(unspecified.requestId)).toMatchObject([{ outcome: 'VALID' }]);
      expect(events.has(reportedLater.requestId) || events.has(nameless.requestId)).toBe(false);
    });
  });

  it('counts the verdicts by caller in its metrics', async () => {
    const credential = await keyInView();
    const line = 'latchkey_verifications_total{verdict="VALID",caller="verify"}';
    const before = await metric(line);
    await verifier.calls(tokens.verify).verify(credential);
    expect(await metric(line)).toBe(before + 1);
  });
});

describe('VerifyBatch', () => {
  it('answers in the order of the requests, each with its own verdict', async () => {
    const [valid, revoked] = [
      await keyInView({ keyId: 'a' }),
      await keyInView({ keyId: 'b', keyState: 'revoked' }),
    ];
    const through = newCredential();
    verifier.authority.knows(secretRecord({ digest: digestOf(through), keyId: 'c' }));
    const credentials = [revoked, 'x', valid, newCredential(), through, valid];
    const { results } = await calls.verifyBatch(credentials.map((each) => verifyRequest(each)));
    expect(results.map(({ verdict, keyId }) => `${verdict} ${keyId}`)).toEqual([
      'VERDICT_REVOKED b',
      'VERDICT_MALFORMED ',
      'VERDICT_VALID a',
      'VERDICT_NOT_FOUND ',
      'VERDICT_VALID c',
      'VERDICT_VALID a',
    ]);
    expect(new Set(results.map(({ requestId }) => requestId)).size).toBe(6);
  });

  it('takes 1,000 requests and none, and refuses 1,001', async () => {
    const credential = await keyInView();
    const requests = Array.from({ length: 1000 }, () => verifyRequest(credential));
    const { results } = await calls.verifyBatch(requests);
    expect(results.filter(({ verdict }) => verdict === Verdict.VALID)).toHaveLength(1000);
    expect(await calls.verifyBatch([])).toEqual({ results: [] });
    await expect(calls.verifyBatch([...requests, verifyRequest(credential)])).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      fields: [{ field: 'requests' }],
    });
  });

  it('names the request that is wrong', async () => {
    const requests = [verifyRequest('x'), verifyRequest('x', { method: 'G\n' })];
    await expect(calls.verifyBatch(requests)).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      fields: [{ field: 'requests.1.method' }],
    });
  });
});

describe('ReportRequests', () => {
  const report: RequestReport = {
    requestId: 'r-1',
    keyId: 'key-1',
    tenantId: 'acme',
    environment: 'live',
    verdict: Verdict.VALID,
    status: 204,
    route: '/v1/things',
    method: 'PUT',
    occurredAt: undefined,
  };

  it('accepts what it keeps, up to 1,000', async () => {
    const reports = Array.from({ length: 1000 }, () => report);
    expect(await calls.reportRequests(reports)).toEqual({ accepted: 1000 });
    expect(await calls.reportRequests([])).toEqual({ accepted: 0 });
    await expect(calls.reportRequests([...reports, report])).rejects.toMatchObject({
      fields: [{ field: 'reports' }],
    });
  });

  it('hands over each report as an event of its own', async () => {
    const occurredAt = new Date(Date.now() - 5000);
    const own = { ...report, requestId: 'r-own', verdict: Verdict.RATE_LIMITED, status: 0, occurredAt };
    await calls.reportRequests([own]);
    await eventually(() => {
      expect(publishedEvents().get('r-own')).toEqual([
        {
          requestId: 'r-own',
          tenantId: 'acme',
          keyId: 'key-1',
          environment: 'live',
          outcome: 'RATE_LIMITED',
          status: null,
          route: '/v1/things',
          method: 'PUT',
          caller: 'both',
          occurredAtMs: occurredAt.getTime(),
          reported: true,
        },
      ]);
    });
  });

  it('accepts none when one is wrong, and names it', async () => {
    const wrong = calls.reportRequests([report, { ...report, verdict: Verdict.MALFORMED }]);
    await expect(wrong).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      fields: [{ field: 'reports.1.verdict' }],
    });
  });
});

describe('the callers', () => {
  it.each<['verify' | 'verifyBatch' | 'reportRequests', keyof typeof tokens]>([
    ['verify', 'verify'],
    ['verifyBatch', 'verify'],
    ['reportRequests', 'report'],
  ])('may call %s with the role %s alone', async (method, role) => {
    for (const header of [undefined, '', 'Bearer', 'Bearer wrong-token-of-nobody', `Basic ${tokens.both}`]) {
      expect(await statusOf(verifier.client, method, header)).toBe(grpcStatus.UNAUTHENTICATED);
    }
    for (const [name, token] of Object.entries(tokens)) {
      const allowed = name === role || name === 'both';
      const expected = allowed ? grpcStatus.OK : grpcStatus.PERMISSION_DENIED;
      expect(await statusOf(verifier.client, method, `Bearer ${token}`)).toBe(expected);
    }
  });
});

describe('profiles', () => {
  it('may be named by those callers alone whose token names them, and keys of others do not exist', async () => {
    const credential = seynCredential();
    verifier.authority.knows(
      secretRecord({ digest: digestOf(credential), keyId: newKeyId(), tenantId: 'reader' }),
      tenantRecord({ tenantId: 'reader', profile: 'seyn' }),
    );
    const seyn = { profile: 'seyn' };
    expect((await verifier.calls(profileTokens.seyn).verify(credential, seyn)).verdict).toBe(Verdict.VALID);
    expect((await verifier.calls(profileTokens.every).verify(credential, seyn)).verdict).toBe(Verdict.VALID);
    const { verdict } = await verifier.calls(profileTokens.every).verify(credential, { profile: 'default' });
    expect(verdict).toBe(Verdict.MALFORMED);
    await expect(calls.verify(credential, seyn)).rejects.toThrow(/PERMISSION_DENIED/);
    await expect(verifier.calls(profileTokens.seyn).verify(newCredential())).rejects.toThrow(
      /PERMISSION_DENIED/,
    );
    const mixed = [verifyRequest(credential, seyn), verifyRequest(newCredential())];
    await expect(verifier.calls(profileTokens.seyn).verifyBatch(mixed)).rejects.toThrow(/PERMISSION_DENIED/);
    await expect(verifier.calls(profileTokens.every).verify('x', { profile: 'other' })).rejects.toMatchObject(
      {
        code: 'INVALID_REQUEST',
        fields: [{ field: 'profile' }],
      },
    );
  });
});

describe('readiness', () => {
  const readiness = async () => {
    const response = await fetch(`${verifier.httpUrl}/health/ready`);
    return { status: response.status, ...((await response.json()) as object) };
  };

  it('does not need key-management while the view is complete', async () => {
    await eventually(async () => expect(await verifier.keyView.isComplete()).toBe(true));
    verifier.authority.away = true;
    expect(await readiness()).toMatchObject({ status: 200 });
  });

  it('says that the view is away, and needs key-management then', async () => {
    verifier.keyView.away = true;
    const up = { 'event-log': 'up', spool: 'up' };
    expect(await readiness()).toMatchObject({
      status: 503,
      dependencies: { 'key-view': 'down', 'key-management': 'up', ...up },
    });
    verifier.authority.away = true;
    expect(await readiness()).toMatchObject({
      dependencies: { 'key-view': 'down', 'key-management': 'down', ...up },
    });
  });

  it('fills a view that was emptied by itself', async () => {
    const record = secretRecord();
    verifier.authority.knows(record);
    verifier.keyView.clear();
    await eventually(async () => {
      const [kept] = await verifier.keyView.find([{ kind: 'secret', id: record.digest }]);
      expect(kept).toEqual(seal.seal('secret', record));
      expect(await verifier.keyView.isComplete()).toBe(true);
    });
  });
});
