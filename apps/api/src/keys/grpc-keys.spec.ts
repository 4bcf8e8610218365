import { Rejection } from '#libs/contracts';
import { KeyManagementServiceService } from '#libs/contracts/gen/latchkey/v1/key_management_service';
import { UsageServiceService } from '#libs/contracts/gen/latchkey/v1/usage_service';
import { GrpcCaller } from '#libs/service-kit/grpc-caller';
import { managingKey } from '../served-api.contract.js';
import { type ServedGrpc, serveGrpc } from '../served-grpc.contract.js';
import { GrpcKeyManagement } from './grpc-key-management.js';
import { GrpcKeyUsage } from './grpc-key-usage.js';

const caller = new GrpcCaller('a-service-token-of-the-api', 5000);
const createdAt = new Date('2026-11-22T10:00:00.125Z');
const message = {
  id: 'key_1',
  tenantId: 'acme',
  name: 'n',
  environment: 'live',
  scopes: ['read'],
  status: 'active',
  hintStart: 'lk_live_abcd',
  hintEnd: 'wxyz',
  metadataJson: '{"team":"x"}',
  createdAt,
  expiresAt: undefined,
  revokedAt: undefined,
  generation: 2,
  requestsPerMinute: 600,
  previousSecretValidUntil: createdAt,
  revision: 'r',
};
const managed = {
  id: 'key_1',
  tenantId: 'acme',
  name: 'n',
  environment: 'live',
  scopes: ['read'],
  status: 'active',
  hint: { start: 'lk_live_abcd', end: 'wxyz' },
  metadata: { team: 'x' },
  createdAt,
  expiresAt: null,
  revokedAt: null,
  secretGeneration: 2,
  requestsPerMinute: 600,
  previousSecretValidUntil: createdAt,
  revision: 'r',
};
/** As the messages have it, and as it is read. */
const enforced = {
  status: 'enforced',
  revision: 'r',
  via: 'acks',
  waitedMs: 12,
  verifiersAcked: 3,
  verifiersExpired: 1,
};
const isEnforced = {
  status: 'enforced',
  revision: 'r',
  via: 'acks',
  waitedMs: 12,
  verifiers: { acked: 3, expired: 1 },
};
const committed = {
  status: 'committed',
  revision: 'r',
  via: '',
  waitedMs: 0,
  verifiersAcked: 0,
  verifiersExpired: 0,
  enforcedBy: createdAt,
};
const by = {
  manager: managingKey,
  sourceAddress: '203.0.113.7',
  requestId: 'r1',
  traceId: null,
  idempotencyKey: 'once',
};
/** What every change of a key says: for whom, by whom, and how far it may go. */
const command = {
  tenantId: 'acme',
  actor: { type: 'key', id: 'key_manager', sourceAddress: '203.0.113.7', requestId: 'r1', traceId: '' },
  ceiling: {
    scopes: ['keys:manage', 'read'],
    environment: 'live',
    expiresAt: new Date('2030-01-01T00:00:00Z'),
  },
  idempotencyKey: 'once',
};

describe('GrpcKeyManagement', () => {
  let asked: object[];
  let refusal: Rejection | undefined;
  let server: ServedGrpc;
  let keys: GrpcKeyManagement;
  beforeEach(async () => {
    asked = [];
    refusal = undefined;
    const answer = (response: object) => (request: object) => {
      asked.push(request);
      if (refusal !== undefined) throw refusal;
      return response;
    };
    server = await serveGrpc(KeyManagementServiceService, {
      listKeys: answer({ keys: [message], nextCursor: '', hasMore: true }),
      createKey: answer({ key: message, secret: 'the secret' }),
      rotateKey: answer({ key: message, secret: '', enforcement: enforced }),
      revokeKey: answer({ key: message, enforcement: committed }),
      getEnforcement: answer({ enforcement: enforced }),
    });
    keys = new GrpcKeyManagement(server.address, caller);
  });
  afterEach(() => {
    keys.close();
    server.close();
  });

  it('lists the keys of the manager’s tenant and environment', async () => {
    const page = { statuses: ['active'], limit: 5, order: 'oldest', from: null } as const;
    expect(await keys.list(managingKey, page)).toEqual({ keys: [managed], nextCursor: null, hasMore: true });
    const request = {
      tenantId: 'acme',
      environment: 'live',
      statuses: ['active'],
      limit: 5,
      order: 'oldest',
      cursor: '',
      afterKeyId: '',
      beforeKeyId: '',
    };
    expect(asked).toEqual([request]);
    await keys.list(managingKey, { ...page, from: { cursor: 'c' } });
    await keys.list(managingKey, { ...page, from: { after: 'key_a' } });
    await keys.list(managingKey, { ...page, from: { before: 'key_b' } });
    expect(asked.slice(1)).toEqual([
      { ...request, cursor: 'c' },
      { ...request, afterKeyId: 'key_a' },
      { ...request, beforeKeyId: 'key_b' },
    ]);
  });

  it('creates below the manager’s own rights', async () => {
    const key = {
      name: 'n',
      environment: 'live',
      scopes: ['read'],
      expiresAt: createdAt,
      metadata: { a: 1 },
    } as const;
    const issued = await keys.create({ ...key, scopes: ['read'] }, by);
    expect(issued).toEqual({ key: managed, secret: 'the secret' });
    const { name, environment, scopes, expiresAt } = key;
    expect(asked).toEqual([
      { ...command, name, environment, scopes, defaultScopes: false, expiresAt, metadataJson: '{"a":1}' },
    ]);
  });

  it('rotates below the manager’s own rights, and tells 0 s of grace from the default', async () => {
    expect(await keys.rotate('key_1', { graceSeconds: 0, retirePrevious: true }, by, 5)).toEqual({
      key: managed,
      secret: null,
      enforcement: isEnforced,
    });
    await keys.rotate('key_1', { graceSeconds: undefined, retirePrevious: false }, by, 0);
    expect(asked).toEqual([
      { ...command, keyId: 'key_1', graceSeconds: 0, retirePrevious: true, waitSeconds: 5 },
      { ...command, keyId: 'key_1', graceSeconds: undefined, retirePrevious: false, waitSeconds: 0 },
    ]);
  });

  it('revokes below the manager’s own rights', async () => {
    expect(await keys.revoke('key_1', 'leaked', by, 5)).toEqual({
      key: managed,
      enforcement: { status: 'committed', revision: 'r', enforcedBy: createdAt },
    });
    expect(asked).toEqual([{ ...command, keyId: 'key_1', reason: 'leaked', waitSeconds: 5 }]);
  });

  it('asks how a change of the manager’s tenant stands', async () => {
    expect(await keys.enforcement(managingKey, 'r')).toEqual(isEnforced);
    expect(asked).toEqual([{ tenantId: 'acme', revision: 'r' }]);
  });

  it('hands on when to come again', async () => {
    refusal = new Rejection('RATE_LIMITED', [], 3);
    await expect(keys.revoke('key_1', null, by, 0)).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      retryAfterSeconds: 3,
    });
  });

  it('hands on a refusal with its fields', async () => {
    refusal = new Rejection('INVALID_REQUEST', [{ field: 'metadata', message: 'too long' }]);
    await expect(keys.revoke('key_1', null, by, 0)).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      fields: [{ field: 'metadata', message: 'too long' }],
    });
  });
});

describe('GrpcKeyUsage', () => {
  it('reads the insights of the keys that are asked for, and asks nobody about none', async () => {
    const asked: object[] = [];
    const windowStart = new Date('2026-10-23T10:00:00Z');
    const server = await serveGrpc(UsageServiceService, {
      listKeyUsage(request: object) {
        asked.push(request);
        const used = {
          requests30d: '9007199254740991',
          refused30d: '2',
          byOutcome: { VALID: '9', REVOKED: '2' },
        };
        const times = {
          createdAt: undefined,
          lastUsedAt: createdAt,
          lastAuthenticatedAt: undefined,
          windowStart,
        };
        return { usages: [{ keyId: 'key_1', ...used, ...times }] };
      },
    });
    const usage = new GrpcKeyUsage(server.address, caller);
    try {
      expect(await usage.insightsOf('acme', [])).toEqual(new Map());
      expect(await usage.insightsOf('acme', ['key_1'])).toEqual(
        new Map([
          [
            'key_1',
            {
              lastUsedAt: createdAt,
              lastAuthenticatedAt: null,
              requests30d: Number.MAX_SAFE_INTEGER,
              refused30d: 2,
              byOutcome: { VALID: 9, REVOKED: 2 },
              windowStart,
            },
          ],
        ]),
      );
      expect(asked).toEqual([{ tenantId: 'acme', keyIds: ['key_1'] }]);
    } finally {
      usage.close();
      server.close();
    }
  });
});
