import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { NewEvent } from '#libs/event-store';
import { type Upcasters, upcastWith } from './commands/upcast.js';
import { KEY_UPCASTERS, type KeyEvent } from './keys/key.events.js';
import { keyDecider } from './keys/key.decider.js';
import type { ExistingKey } from './keys/key.state.js';
import { type ExistingTenant, tenantDecider } from './tenants/tenant.decider.js';
import { TENANT_UPCASTERS, type TenantEvent } from './tenants/tenant.events.js';

/** One example of every event type in every schema version there ever was; files are added, never changed. */
const DIRECTORY = resolve('test', 'fixtures', 'events');

function golden(file: string): NewEvent {
  return JSON.parse(readFileSync(resolve(DIRECTORY, file), 'utf8')) as NewEvent;
}

/** The files there must be for the types of a table. */
function filesOf(upcasters: Upcasters): string[] {
  return Object.entries(upcasters).flatMap(([type, steps]) =>
    Array.from({ length: steps.length + 1 }, (_, i) => `${type}.v${i + 1}.json`),
  );
}

const keyFiles = filesOf(KEY_UPCASTERS);
const tenantFiles = filesOf(TENANT_UPCASTERS);

/** What each event leaves behind, whatever the schema version it was written in. */
const keyAfter: Record<KeyEvent['type'], object> = {
  KeyCreated: {
    status: 'active',
    keyId: 'key_00112233445566778899aabbccddee',
    tenantId: 'acme',
    name: 'nightly export',
    environment: 'live',
    scopes: ['read', 'write'],
    expiresAtMs: 1790086400000,
    metadata: { team: 'billing', nested: { list: [1, null, 'é'] } },
    createdAtMs: 1790000000000,
    revokedAtMs: null,
    secrets: [
      {
        generation: 1,
        digest: 'a'.repeat(64),
        hint: { start: 'lk_live_0a1b', end: '9Zz0' },
        state: 'current',
        validUntilMs: null,
      },
    ],
  },
  KeyImported: {
    environment: 'test',
    secrets: [{ digest: 'b'.repeat(64), state: 'current', generation: 1 }],
  },
  KeyDetailsChanged: { name: 'hourly export', metadata: { team: 'finance' } },
  KeyScopesChanged: { scopes: ['read'] },
  KeyExpiryChanged: { expiresAtMs: null },
  KeyRotated: {
    secrets: [
      { generation: 1, state: 'previous', validUntilMs: 1790007200000 },
      { generation: 2, state: 'current', validUntilMs: null, digest: 'c'.repeat(64) },
    ],
  },
  RateLimitChanged: { requestsPerMinute: 600 },
  PreviousSecretRetired: { secrets: [{ state: 'retired', validUntilMs: null }, { state: 'current' }] },
  KeyRevoked: { status: 'revoked', revokedAtMs: 1790006000000 },
};

const tenantAfter: Record<TenantEvent['type'], object> = {
  TenantRegistered: {
    status: 'active',
    tenantId: 'acme',
    name: 'Acme Inc.',
    maxActiveKeys: 1000,
    profile: 'default',
    plan: null,
    registeredAtMs: 1790000000000,
  },
  TenantPlanChanged: { plan: 'pro' },
  TenantChanged: { name: 'Acme Ltd.', maxActiveKeys: 5, status: 'active' },
  TenantSuspended: { status: 'suspended' },
  TenantResumed: { status: 'active' },
};

/** What has happened before an event can. */
const before: Partial<Record<string, string[]>> = {
  KeyCreated: [],
  KeyImported: [],
  TenantRegistered: [],
  PreviousSecretRetired: ['KeyCreated.v1.json', 'KeyRotated.v1.json'],
  TenantResumed: ['TenantRegistered.v1.json', 'TenantSuspended.v1.json'],
};

describe('golden events', () => {
  it('has one example of every event type in every schema version, and none of anything else', () => {
    expect(readdirSync(DIRECTORY).sort()).toEqual([...keyFiles, ...tenantFiles].sort());
  });

  it.each([...keyFiles, ...tenantFiles])('%s says what its name says', (file) => {
    const { type, schemaVersion } = golden(file);
    expect(`${type}.v${schemaVersion}.json`).toBe(file);
  });

  it.each(keyFiles)('%s is read as a key event and folded', (file) => {
    const stored = golden(file);
    const history = [...(before[stored.type] ?? ['KeyCreated.v1.json']).map(golden), stored];
    const state = history.map(keyDecider.upcast).reduce(keyDecider.evolve, keyDecider.initialState);
    expect(state as ExistingKey).toMatchObject(keyAfter[stored.type as KeyEvent['type']]);
  });

  it.each(tenantFiles)('%s is read as a tenant event and folded', (file) => {
    const stored = golden(file);
    const history = [...(before[stored.type] ?? ['TenantRegistered.v1.json']).map(golden), stored];
    const state = history.map(tenantDecider.upcast).reduce(tenantDecider.evolve, tenantDecider.initialState);
    expect(state as ExistingTenant).toMatchObject(tenantAfter[stored.type as TenantEvent['type']]);
  });

  it.each(['KeyFrozen', 'toString', 'constructor'])('does not guess what an event of type %s was', (type) => {
    expect(() => keyDecider.upcast({ type, schemaVersion: 1, data: {} })).toThrow(
      `event type ${type} is unknown`,
    );
  });
});

describe('upcasting', () => {
  /** Version 1 had a text, 2 a list of it, 3 calls it otherwise. */
  const upcasters: Upcasters<'Named' | 'Other'> = {
    Named: [
      (data) => ({ names: [(data as { name: string }).name] }),
      (data) => ({ labels: (data as { names: string[] }).names }),
    ],
    Other: [],
  };

  it.each([
    [1, { name: 'a' }],
    [2, { names: ['a'] }],
    [3, { labels: ['a'] }],
  ])(
    'brings data of schema version %d through each later step to the shape of today',
    (schemaVersion, data) => {
      expect(upcastWith(upcasters, { type: 'Named', schemaVersion, data })).toEqual({ labels: ['a'] });
    },
  );

  it.each([0, 4, -1, 1.5])(
    'refuses schema version %d, which nobody could have written yet',
    (schemaVersion) => {
      expect(() => upcastWith(upcasters, { type: 'Named', schemaVersion, data: {} })).toThrow(
        'schema version',
      );
    },
  );

  it('asks for a golden file of every schema version on the way', () => {
    expect(filesOf(upcasters)).toEqual(['Named.v1.json', 'Named.v2.json', 'Named.v3.json', 'Other.v1.json']);
  });
});
