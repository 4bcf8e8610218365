import { describe, expect, it } from '@jest/globals';
import type { KeyMessage, TenantMessage } from '#libs/contracts';
import type { StoredEvent } from '#libs/event-store';
import { RecordSeal } from '#libs/key-view';
import type { KeyEvent } from '../keys/key.events.js';
import { created, KEY_ID, NOW, revoked, rotated } from '../keys/key-examples.contract.js';
import type { TenantEvent } from '../tenants/tenant.events.js';
import { lifecycleMessageOf } from './lifecycle-message.js';

const seal = new RecordSeal([{ id: 'now', key: Buffer.alloc(32, 1) }]);

/** The events as the store would have them. */
function stored(streamId: string, events: readonly (KeyEvent | TenantEvent)[]): StoredEvent[] {
  return events.map((event, index) => ({
    ...event,
    schemaVersion: 1,
    streamId,
    tenantId: 'acme',
    position: 100 + index,
    version: index + 1,
    recordedAtMs: NOW + index,
    metadata: {
      actor: { type: 'operator', id: 'operator' },
      sourceAddress: '192.0.2.7',
      reason: null,
      requestId: null,
      traceId: null,
    },
  }));
}

function lastMessage(streamId: string, events: readonly (KeyEvent | TenantEvent)[]) {
  const history = stored(streamId, events);
  return lifecycleMessageOf(history[history.length - 1] as StoredEvent, history, seal);
}

/** The sealed records of a key message, opened as a verifier does it. */
function recordsOf(value: KeyMessage | TenantMessage) {
  return (value as KeyMessage).secrets.map((sealed) => {
    const { digest } = JSON.parse(sealed.json) as { digest: string };
    return seal.open({ kind: 'secret', id: digest }, sealed);
  });
}

describe('the message of a key event', () => {
  const stream = `key-${KEY_ID}`;

  it('is a CloudEvent in binary mode under the id of the key', () => {
    const { topic, key, headers } = lastMessage(stream, [created(), rotated()]);
    expect({ topic, key, headers }).toEqual({
      topic: 'latchkey.keys.v1',
      key: KEY_ID,
      headers: {
        ce_specversion: '1.0',
        ce_id: `${stream}-2`,
        ce_type: 'KeyRotated',
        ce_source: '/latchkey/key-management',
        ce_subject: KEY_ID,
        ce_time: new Date(NOW + 1).toISOString(),
        'content-type': 'application/json',
      },
    });
  });

  it('carries the sealed state of every secret the key ever had, at the version of the event', () => {
    const { value } = lastMessage(stream, [
      created(),
      rotated({ previousValidUntilMs: NOW }),
      rotated({ generation: 3, digest: 'digest 3' }),
    ]);
    expect(value).toMatchObject({
      keyId: KEY_ID,
      tenantId: 'acme',
      version: 3,
      createdAtMs: expect.any(Number),
    });
    expect(recordsOf(value)).toMatchObject([
      { digest: 'digest 1', generation: 1, secretState: 'retired', validUntilMs: null, version: 3 },
      {
        digest: 'digest 2',
        generation: 2,
        secretState: 'previous',
        validUntilMs: NOW + 3_600_000,
        version: 3,
      },
      { digest: 'digest 3', generation: 3, secretState: 'current', validUntilMs: null, version: 3 },
    ]);
  });

  it('says of every secret that the key is revoked', () => {
    const { value } = lastMessage(stream, [created(), rotated(), revoked]);
    expect(recordsOf(value).map((record) => record?.keyState)).toEqual(['revoked', 'revoked']);
  });

  it('has the latest hundred secrets of a key, and fits what brokers take, however many and wide it is', () => {
    const scopes = Array.from({ length: 64 }, (_, n) => `${n}`.padStart(64, 's'));
    const rotations = Array.from({ length: 300 }, (_, n) =>
      rotated({ generation: n + 2, digest: `digest ${n + 2}`, previousValidUntilMs: NOW }),
    );
    const { value } = lastMessage(stream, [created({ scopes }), ...rotations]);
    const records = recordsOf(value);
    expect(records).toHaveLength(100);
    expect([records[0]?.generation, records.at(-1)?.generation]).toEqual([202, 301]);
    expect(JSON.stringify(value).length).toBeLessThan(1024 * 1024);
  });

  it('is the state when the event had happened, whatever came later', () => {
    const history = stored(stream, [created(), revoked]);
    const { value } = lifecycleMessageOf(history[0] as StoredEvent, history.slice(0, 1), seal);
    expect(recordsOf(value)).toMatchObject([{ keyState: 'active', version: 1 }]);
  });

  it('tells verifiers what they decide by, and nothing else of the key or its tenant', () => {
    const { value } = lastMessage(stream, [created()]);
    expect(Object.keys(recordsOf(value)[0] ?? {}).sort()).toEqual(
      [
        [
          'digest',
          'environment',
          'expiresAtMs',
          'generation',
          'keyId',
          'keyState',
          'requestsPerMinute',
          'scopes',
        ],
        ['secretState', 'tenantId', 'validUntilMs', 'version'],
      ].flat(),
    );
    expect(JSON.stringify(value)).not.toMatch(/nightly export|billing|lk_live/);
  });

  it('is not made up where the stream does not begin with a creation', () => {
    expect(() => lastMessage(stream, [revoked])).toThrow('does not begin with its creation');
  });
});

describe('the message of a tenant event', () => {
  const registered: TenantEvent = {
    type: 'TenantRegistered',
    data: {
      tenantId: 'acme',
      name: 'Acme',
      maxActiveKeys: 1,
      profile: 'default',
      plan: null,
      registeredAtMs: 0,
    },
  };
  const suspended: TenantEvent = { type: 'TenantSuspended', data: { reason: null, suspendedAtMs: 0 } };

  it('carries the sealed state of the tenant', () => {
    const { topic, key, headers, value } = lastMessage('tenant-acme', [registered, suspended]);
    expect({ topic, key, type: headers['ce_type'], subject: headers['ce_subject'] }).toEqual({
      topic: 'latchkey.tenants.v1',
      key: 'acme',
      type: 'TenantSuspended',
      subject: 'acme',
    });
    const { version, tenant } = value as TenantMessage;
    expect(version).toBe(2);
    expect(seal.open({ kind: 'tenant', id: 'acme' }, tenant)).toEqual({
      tenantId: 'acme',
      state: 'suspended',
      profile: 'default',
      plan: null,
      version: 2,
    });
  });

  it('is not made up where the stream does not begin with a registration', () => {
    expect(() => lastMessage('tenant-acme', [suspended])).toThrow('does not begin with its registration');
  });
});
