import type { Metadata } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { Rejection } from '#libs/contracts';
import type {
  CreateKeyRequest as CreateKeyMessage,
  CreateKeyResponse,
  FindSecretRecordRequest,
  FindSecretRecordResponse,
  FindTenantRecordRequest,
  FindTenantRecordResponse,
  GetEnforcementRequest,
  GetEnforcementResponse,
  GetKeyRequest,
  GetKeyResponse,
  Key,
  ListKeysRequest as ListKeysMessage,
  ListKeysResponse,
  ListSecretRecordsRequest,
  ListSecretRecordsResponse,
  ListTenantRecordsRequest,
  ListTenantRecordsResponse,
  RetirePreviousSecretRequest,
  RetirePreviousSecretResponse,
  RevokeKeyRequest as RevokeKeyMessage,
  RevokeKeyResponse,
  RotateKeyRequest as RotateKeyMessage,
  RotateKeyResponse,
} from '#libs/contracts/gen/latchkey/v1/key_management_service';
import { partsOfSubject } from '#libs/fence';
import { validated } from '#libs/service-kit/validation.request';
import { callerOf, RequireRole } from '#libs/service-kit/service-token.guard';
import { EnforcementAnswers } from './fencing/enforcement-answers.js';
import { enforcementMessageOf } from './fencing/enforcement-message.js';
import type { Committed } from './fencing/fenced-changes.js';
import { Revisions } from './fencing/revisions.js';
import { CreateKeyRequest } from './keys/create-key.request.js';
import { KeyCommands } from './keys/key-commands.js';
import { instantOf } from './keys/key-fields.request.js';
import {
  ceilingOf,
  contextOf,
  keyMessageOf,
  metadataFrom,
  orderFrom,
  placeFrom,
  textOfTime,
  wishedScopes,
} from './keys/key-message.js';
import type { ExistingKey } from './keys/key.state.js';
import { KeyReads, type Versioned } from './keys/key-reads.js';
import { type KeyResource, keyResourceOf, streamOfKey } from './keys/key-resource.js';
import { ListKeysRequest } from './keys/list-keys.request.js';
import { RevokeKeyRequest } from './keys/revoke-key.request.js';
import { RotateKeyRequest } from './keys/rotate-key.request.js';
import { SealedRecords } from './view-records/sealed-records.js';

/** Most keys or tenants in one page of records. */
const RECORDS_PAGE_MAX = 5000;
const RECORDS_PAGE_DEFAULT = 1000;

/** Key management over gRPC: keys for internal services, sealed records for verifiers. */
@Controller()
export class KeyManagementController {
  constructor(
    private readonly commands: KeyCommands,
    private readonly reads: KeyReads,
    private readonly records: SealedRecords,
    private readonly answers: EnforcementAnswers,
    private readonly revisions: Revisions,
  ) {}

  @GrpcMethod('KeyManagementService', 'createKey')
  @RequireRole('manage')
  async createKey(message: CreateKeyMessage, metadata: Metadata): Promise<CreateKeyResponse> {
    const { name, environment, expiresAt } = message;
    const wish = validated(CreateKeyRequest, {
      name,
      environment,
      scopes: wishedScopes(message),
      metadata: metadataFrom(message.metadataJson),
      ...(expiresAt && { expiresAt: textOfTime(expiresAt) }),
    });
    const { resource, revision, secret } = await this.commands.create(
      message.tenantId,
      {
        name: wish.name,
        environment: wish.environment,
        scopes: wish.scopes,
        expiresAtMs: instantOf(wish.expiresAt),
        metadata: wish.metadata ?? {},
        ceiling: ceilingOf(message.ceiling),
      },
      contextOf(message.actor, message.idempotencyKey, callerOf(metadata).name),
    );
    return { key: keyMessageOf({ ...resource, revision }), secret: secret ?? '' };
  }

  @GrpcMethod('KeyManagementService', 'getKey')
  @RequireRole('manage')
  async getKey({ tenantId, keyId }: GetKeyRequest): Promise<GetKeyResponse> {
    const key = await this.reads.key(tenantId, keyId);
    if (key === undefined) throw new Rejection('KEY_NOT_FOUND');
    return { key: this.asRead(key, Date.now()) };
  }

  @GrpcMethod('KeyManagementService', 'listKeys')
  @RequireRole('manage')
  async listKeys(message: ListKeysMessage): Promise<ListKeysResponse> {
    const { limit, environment, status } = validated(ListKeysRequest, {
      ...(message.limit !== 0 && { limit: message.limit }),
      ...(message.cursor !== '' && { cursor: message.cursor }),
      ...(message.environment !== '' && { environment: message.environment }),
      ...(message.statuses.length > 0 && { status: message.statuses }),
    });
    const page = await this.reads.keys(message.tenantId, {
      environment: environment ?? null,
      statuses: status ?? ['active', 'expired', 'revoked'],
      order: orderFrom(message.order),
      limit,
      from: placeFrom(message),
    });
    const nowMs = Date.now();
    return {
      keys: page.keys.map((key) => this.asRead(key, nowMs)),
      nextCursor: page.nextCursor ?? '',
      hasMore: page.hasMore,
    };
  }

  @GrpcMethod('KeyManagementService', 'rotateKey')
  @RequireRole('manage')
  async rotateKey(message: RotateKeyMessage, metadata: Metadata): Promise<RotateKeyResponse> {
    const { graceSeconds, retirePrevious } = message;
    validated(RotateKeyRequest, { graceSeconds, retirePrevious });
    const committed = await this.commands.rotate(
      message.tenantId,
      message.keyId,
      { graceSeconds, retirePrevious, ceiling: ceilingOf(message.ceiling) },
      contextOf(message.actor, message.idempotencyKey, callerOf(metadata).name),
    );
    return { ...(await this.changed(committed, message.waitSeconds)), secret: committed.secret ?? '' };
  }

  @GrpcMethod('KeyManagementService', 'revokeKey')
  @RequireRole('manage')
  async revokeKey(message: RevokeKeyMessage, metadata: Metadata): Promise<RevokeKeyResponse> {
    const { reason } = validated(RevokeKeyRequest, { reason: message.reason });
    const committed = await this.commands.revoke(
      message.tenantId,
      message.keyId,
      { reason: reason || null, ceiling: ceilingOf(message.ceiling) },
      contextOf(message.actor, message.idempotencyKey, callerOf(metadata).name),
    );
    return this.changed(committed, message.waitSeconds);
  }

  @GrpcMethod('KeyManagementService', 'retirePreviousSecret')
  @RequireRole('manage')
  async retirePreviousSecret(
    message: RetirePreviousSecretRequest,
    metadata: Metadata,
  ): Promise<RetirePreviousSecretResponse> {
    const committed = await this.commands.retirePreviousSecret(
      message.tenantId,
      message.keyId,
      ceilingOf(message.ceiling),
      contextOf(message.actor, message.idempotencyKey, callerOf(metadata).name),
    );
    return this.changed(committed, message.waitSeconds);
  }

  @GrpcMethod('KeyManagementService', 'getEnforcement')
  @RequireRole('manage')
  async getEnforcement({ tenantId, revision }: GetEnforcementRequest): Promise<GetEnforcementResponse> {
    const found = await this.answers.find(revision);
    const { noun, id } = partsOfSubject(found?.stream ?? '');
    // Another tenant's change is as absent as one that never was.
    const isOwn = noun === 'key' && (await this.reads.key(tenantId, id)) !== undefined;
    if (found === undefined || !isOwn) throw new Rejection('NOT_FOUND');
    return { enforcement: enforcementMessageOf(found.answer) };
  }

  @GrpcMethod('KeyManagementService', 'findSecretRecord')
  @RequireRole('project')
  async findSecretRecord({ digest }: FindSecretRecordRequest): Promise<FindSecretRecordResponse> {
    if (!/^[0-9a-f]{64}$/.test(digest)) {
      throw new Rejection('INVALID_REQUEST', [
        { field: 'digest', message: 'must be 64 lower-case hexadecimal digits' },
      ]);
    }
    const found = await this.records.byDigest(digest);
    return { secret: found?.secret, tenant: found?.tenant };
  }

  @GrpcMethod('KeyManagementService', 'findTenantRecord')
  @RequireRole('project')
  async findTenantRecord({ tenantId }: FindTenantRecordRequest): Promise<FindTenantRecordResponse> {
    return { tenant: await this.records.tenant(tenantId) };
  }

  @GrpcMethod('KeyManagementService', 'listSecretRecords')
  @RequireRole('project')
  listSecretRecords({ cursor, limit }: ListSecretRecordsRequest): Promise<ListSecretRecordsResponse> {
    return this.records.secretsAfter(cursor, pageSize(limit));
  }

  @GrpcMethod('KeyManagementService', 'listTenantRecords')
  @RequireRole('project')
  listTenantRecords({ cursor, limit }: ListTenantRecordsRequest): Promise<ListTenantRecordsResponse> {
    return this.records.tenantsAfter(cursor, pageSize(limit));
  }

  private async changed(committed: Committed<KeyResource>, waitSeconds: number | undefined) {
    const { resource, revision } = committed;
    return {
      key: keyMessageOf({ ...resource, revision }),
      enforcement: enforcementMessageOf(await this.answers.of(committed, waitSeconds)),
    };
  }

  private asRead({ state, version }: Versioned<ExistingKey>, nowMs: number): Key {
    const revision = this.revisions.of(streamOfKey(state.keyId), version);
    return keyMessageOf({ ...keyResourceOf(state, nowMs), revision });
  }
}

function pageSize(limit: number): number {
  if (limit === 0) return RECORDS_PAGE_DEFAULT;
  if (limit > RECORDS_PAGE_MAX) {
    throw new Rejection('INVALID_REQUEST', [
      { field: 'limit', message: `must be at most ${RECORDS_PAGE_MAX}` },
    ]);
  }
  return limit;
}
