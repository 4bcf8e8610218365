import { credentials } from '@grpc/grpc-js';
import {
  type Actor,
  type Ceiling,
  type Enforcement as EnforcementMessage,
  type Key,
  KeyManagementServiceClient,
} from '#libs/contracts/gen/latchkey/v1/key_management_service';
import type { GrpcCaller, UnaryMethod } from '#libs/service-kit/grpc-caller';
import { channelOptions } from '#libs/service-kit';
import type { VerifiedKey } from '../verification/verifier.js';
import {
  type ChangedKey,
  type Enforcement,
  type IssuedKey,
  type KeyListPlace,
  KeyManagement,
  type KeyPage,
  type ListedKeys,
  type ManagedBy,
  type ManagedKey,
  type NewKey,
  type Rotation,
} from './key-management.js';

/** Longest that a change may take besides what it is to wait for, milliseconds. */
const CHANGE_DEADLINE_MS = 10_000;

/** Asks key-management over gRPC. It is key-management that holds every change below the ceiling it is handed. */
export class GrpcKeyManagement extends KeyManagement {
  private readonly client: KeyManagementServiceClient;

  constructor(
    address: string,
    private readonly caller: GrpcCaller,
  ) {
    super();
    this.client = new KeyManagementServiceClient(address, credentials.createInsecure(), channelOptions);
  }

  override async list(
    { tenantId, environment }: VerifiedKey,
    { statuses, limit, order, from }: ListedKeys,
  ): Promise<KeyPage> {
    const { keys, nextCursor, hasMore } = await this.caller.call(this.client.listKeys.bind(this.client), {
      tenantId,
      environment,
      limit,
      statuses: [...statuses],
      order,
      cursor: '',
      afterKeyId: '',
      beforeKeyId: '',
      ...placeOf(from),
    });
    return { keys: keys.map(managedKeyOf), nextCursor: nextCursor || null, hasMore };
  }

  override async create(key: NewKey, by: ManagedBy): Promise<IssuedKey> {
    const { name, environment, scopes, expiresAt, metadata } = key;
    return issuedKeyOf(
      await this.caller.call(this.client.createKey.bind(this.client), {
        ...commandOf(by),
        name,
        environment,
        scopes: scopes ?? [],
        defaultScopes: scopes === null,
        expiresAt: expiresAt ?? undefined,
        metadataJson: JSON.stringify(metadata),
      }),
    );
  }

  override async rotate(
    keyId: string,
    { graceSeconds, retirePrevious }: Rotation,
    by: ManagedBy,
    waitSeconds: number,
  ): Promise<IssuedKey & ChangedKey> {
    const request = { ...commandOf(by), keyId, graceSeconds, retirePrevious, waitSeconds };
    const answer = await this.change(this.client.rotateKey.bind(this.client), request);
    return { ...issuedKeyOf(answer), enforcement: enforcementOf(answer.enforcement) };
  }

  override async revoke(
    keyId: string,
    reason: string | null,
    by: ManagedBy,
    waitSeconds: number,
  ): Promise<ChangedKey> {
    const request = { ...commandOf(by), keyId, reason: reason ?? '', waitSeconds };
    const { key, enforcement } = await this.change(this.client.revokeKey.bind(this.client), request);
    return { key: managedKeyOf(key), enforcement: enforcementOf(enforcement) };
  }

  override async retirePreviousSecret(
    keyId: string,
    by: ManagedBy,
    waitSeconds: number,
  ): Promise<ChangedKey> {
    const request = { ...commandOf(by), keyId, waitSeconds };
    const { key, enforcement } = await this.change(
      this.client.retirePreviousSecret.bind(this.client),
      request,
    );
    return { key: managedKeyOf(key), enforcement: enforcementOf(enforcement) };
  }

  override async enforcement({ tenantId }: VerifiedKey, revision: string): Promise<Enforcement> {
    const ask = this.client.getEnforcement.bind(this.client);
    return enforcementOf((await this.caller.call(ask, { tenantId, revision })).enforcement);
  }

  close(): void {
    this.client.close();
  }

  private change<Request extends { waitSeconds: number }, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
  ): Promise<Response> {
    return this.caller.call(method, request, CHANGE_DEADLINE_MS + request.waitSeconds * 1000);
  }
}

function commandOf({ manager, sourceAddress, requestId, traceId, idempotencyKey }: ManagedBy): {
  tenantId: string;
  actor: Actor;
  ceiling: Ceiling;
  idempotencyKey: string;
} {
  const { tenantId, keyId, scopes, environment, expiresAt } = manager;
  return {
    tenantId,
    actor: { type: 'key', id: keyId, sourceAddress, requestId, traceId: traceId ?? '' },
    ceiling: { scopes: [...scopes], environment, expiresAt: expiresAt ?? undefined },
    idempotencyKey: idempotencyKey ?? '',
  };
}

function placeOf(from: KeyListPlace | null) {
  if (from === null) return {};
  if ('cursor' in from) return { cursor: from.cursor };
  return 'after' in from ? { afterKeyId: from.after } : { beforeKeyId: from.before };
}

function issuedKeyOf({ key, secret }: { key: Key | undefined; secret: string }): IssuedKey {
  return { key: managedKeyOf(key), secret: secret || null };
}

function enforcementOf(message: EnforcementMessage | undefined): Enforcement {
  if (message === undefined) throw new Error('key-management answered without saying how the change stands');
  const { status, revision, via, waitedMs, enforcedBy } = message;
  if (status !== 'enforced') return { status: 'committed', revision, enforcedBy: enforcedBy ?? null };
  const verifiers = { acked: message.verifiersAcked, expired: message.verifiersExpired };
  return { status, revision, via: via as 'acks' | 'leaseExpiry', waitedMs, verifiers };
}

function managedKeyOf(key: Key | undefined): ManagedKey {
  if (key?.createdAt === undefined) throw new Error('key-management answered without a key');
  const { id, tenantId, name, environment, scopes, status, createdAt, revision } = key;
  return {
    id,
    tenantId,
    name,
    environment: environment as ManagedKey['environment'],
    scopes,
    status: status as ManagedKey['status'],
    hint: { start: key.hintStart, end: key.hintEnd },
    metadata: JSON.parse(key.metadataJson || '{}') as Record<string, unknown>,
    requestsPerMinute: key.requestsPerMinute ?? null,
    createdAt,
    expiresAt: key.expiresAt ?? null,
    revokedAt: key.revokedAt ?? null,
    secretGeneration: key.generation,
    previousSecretValidUntil: key.previousSecretValidUntil ?? null,
    revision,
  };
}
