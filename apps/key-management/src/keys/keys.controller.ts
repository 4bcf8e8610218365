import {
  Body,
  Controller,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Put,
  Query,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import { ApiBearerAuth, ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Rejection } from '#libs/contracts';
import { OperatorGuard } from '#libs/service-kit/operator.guard';
import { ApiProblem } from '#libs/service-kit/problem.response';
import { operatorContextOf } from '../commands/operator-context.js';
import { answerChange } from '../fencing/change-answer.js';
import { EnforcementAnswers } from '../fencing/enforcement-answers.js';
import { ApiChange } from '../fencing/enforcement.response.js';
import type { Committed } from '../fencing/fenced-changes.js';
import { Revisions } from '../fencing/revisions.js';
import { TenantProfiles } from '../tenants/tenant-profiles.js';
import { KeyUsageReads } from '../usage/key-usage-reads.js';
import { ChangeRateLimitRequest } from './change-rate-limit.request.js';
import { ChangeKeyRequest } from './change-key.request.js';
import { CreateKeyRequest } from './create-key.request.js';
import { ImportKeyRequest } from './import-key.request.js';
import {
  ChangedKeyResponse,
  ImportedKeyResponse,
  KeyHistoryResponse,
  KeyListResponse,
  KeyOnlyResponse,
  KeyUsageResponse,
  KeyWithSecretResponse,
  RotatedKeyResponse,
} from './key.response.js';
import { KeyCommands } from './key-commands.js';
import { instantOf } from './key-fields.request.js';
import { historyEntryOf } from './key-history.js';
import { KeyReads, type Versioned } from './key-reads.js';
import { type KeyResource, keyResourceOf, type RevisedKey, streamOfKey } from './key-resource.js';
import type { ExistingKey } from './key.state.js';
import { ListKeysRequest } from './list-keys.request.js';
import { RevokeKeyRequest } from './revoke-key.request.js';
import { RotateKeyRequest } from './rotate-key.request.js';

const IDEMPOTENCY = {
  name: 'Idempotency-Key',
  required: false,
  description: 'Up to 255 characters; a repetition within 24 hours gets the same answer, without the secret.',
};

@ApiTags('keys')
@ApiBearerAuth()
@ApiProblem(401, 'The operator token is missing or wrong.')
@ApiProblem(500, 'A fault of ours; `errorId` finds it in the log.')
@ApiProblem(503, 'A service or server behind this one is away; try again shortly.')
@ApiProblem(404, 'There is no such tenant, or no such key of it.')
@UseGuards(OperatorGuard)
@Controller('v1/tenants/:tenantId/keys')
export class KeysController {
  constructor(
    private readonly commands: KeyCommands,
    private readonly reads: KeyReads,
    private readonly usage: KeyUsageReads,
    private readonly answers: EnforcementAnswers,
    private readonly revisions: Revisions,
    private readonly profiles: TenantProfiles,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Create a key; its secret is in this answer alone' })
  @ApiHeader(IDEMPOTENCY)
  @ApiResponse({ status: 201, type: KeyWithSecretResponse })
  @ApiProblem(400, 'The body is wrong; `errors` names each field.')
  @ApiProblem(409, 'ACTIVE_KEY_LIMIT, or IDEMPOTENCY_KEY_IN_USE.')
  @ApiProblem(422, 'The Idempotency-Key was used with another request.')
  async create(
    @Param('tenantId') tenantId: string,
    @Body() body: CreateKeyRequest,
    @Req() request: FastifyRequest,
  ) {
    const wish = { ...described(body), ceiling: null };
    const committed = await this.commands.create(tenantId, wish, operatorContextOf(request));
    const { secret, revision } = committed;
    return { key: revised(committed), secret, revision };
  }

  @Post('import')
  @ApiOperation({
    summary: 'Take over a key by the digest of its secret',
    description:
      'Only the digest comes here, so the form of the secret is not looked at. It is verified where it has the format of the product’s keys, or one of its legacy patterns.',
  })
  @ApiHeader(IDEMPOTENCY)
  @ApiResponse({ status: 201, type: ImportedKeyResponse })
  @ApiProblem(400, 'The body is wrong; `errors` names each field.')
  @ApiProblem(409, 'DIGEST_TAKEN: the digest belongs, or belonged, to a key; ACTIVE_KEY_LIMIT.')
  async import(
    @Param('tenantId') tenantId: string,
    @Body() body: ImportKeyRequest,
    @Req() request: FastifyRequest,
  ) {
    const { digest, attestedEntropyBits, hintStart = '', hintEnd = '' } = body;
    const wish = {
      ...described(body),
      digest,
      attestedEntropyBits,
      hint: { start: hintStart, end: hintEnd },
    };
    const committed = await this.commands.import(tenantId, wish, operatorContextOf(request));
    return { key: revised(committed), revision: committed.revision };
  }

  @Get()
  @ApiOperation({
    summary: "List a tenant's keys, newest first: those that its product shows, unless `status` says which",
  })
  @ApiResponse({ status: 200, type: KeyListResponse })
  async list(
    @Param('tenantId') tenantId: string,
    @Query() { limit, cursor, environment, status }: ListKeysRequest,
  ) {
    const profile = await this.profiles.of(tenantId);
    const page = await this.reads.keys(tenantId, {
      environment: environment ?? null,
      statuses: status ?? profile.keys.listed,
      order: 'newest',
      limit,
      from: cursor === undefined ? null : { cursor },
    });
    const nowMs = Date.now();
    return {
      data: page.keys.map((key) => this.asRead(key, nowMs)),
      nextCursor: page.nextCursor,
    };
  }

  @Get(':keyId')
  @ApiOperation({ summary: 'Read a key' })
  @ApiResponse({ status: 200, type: KeyOnlyResponse })
  async read(@Param('tenantId') tenantId: string, @Param('keyId') keyId: string) {
    return { key: this.asRead(await this.existing(tenantId, keyId), Date.now()) };
  }

  @Patch(':keyId')
  @ApiOperation({ summary: 'Change name, scopes, expiry or metadata; what is absent stays' })
  @ApiHeader(IDEMPOTENCY)
  @ApiChange(ChangedKeyResponse)
  @ApiProblem(400, 'The body is wrong; `errors` names each field.')
  @ApiProblem(409, 'KEY_REVOKED, ACTIVE_KEY_LIMIT, CONFLICT, or CHANGE_NOT_ALLOWED by the product.')
  async change(
    @Param('tenantId') tenantId: string,
    @Param('keyId') keyId: string,
    @Body() { name, scopes, expiresAt, metadata }: ChangeKeyRequest,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const expiresAtMs = expiresAt === undefined ? undefined : instantOf(expiresAt);
    const wish = { name, scopes, expiresAtMs, metadata };
    const committed = await this.commands.change(tenantId, keyId, wish, operatorContextOf(request));
    return this.changed(committed, request, reply);
  }

  @Put(':keyId/rate-limit')
  @ApiOperation({ summary: 'Set the limit of this key alone, or take it back; in effect within a second' })
  @ApiHeader(IDEMPOTENCY)
  @ApiChange(ChangedKeyResponse)
  @ApiProblem(400, 'The body is wrong; `errors` names each field.')
  @ApiProblem(409, 'KEY_REVOKED, or CHANGE_NOT_ALLOWED by the product.')
  async changeRateLimit(
    @Param('tenantId') tenantId: string,
    @Param('keyId') keyId: string,
    @Body() { requestsPerMinute }: ChangeRateLimitRequest,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const context = operatorContextOf(request);
    const committed = await this.commands.changeRateLimit(tenantId, keyId, requestsPerMinute, context);
    return this.changed(committed, request, reply);
  }

  @Post(':keyId/rotate')
  @HttpCode(200)
  @ApiOperation({ summary: 'Give a key a new secret; the previous one stays valid for the grace period' })
  @ApiHeader(IDEMPOTENCY)
  @ApiChange(RotatedKeyResponse)
  @ApiProblem(409, 'ROTATION_IN_PROGRESS, KEY_REVOKED, KEY_EXPIRED, or CHANGE_NOT_ALLOWED by the product.')
  async rotate(
    @Param('tenantId') tenantId: string,
    @Param('keyId') keyId: string,
    @Body() { graceSeconds, retirePrevious = false }: RotateKeyRequest,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const wish = { graceSeconds, retirePrevious, ceiling: null };
    const committed = await this.commands.rotate(tenantId, keyId, wish, operatorContextOf(request));
    return { ...(await this.changed(committed, request, reply)), secret: committed.secret };
  }

  @Post(':keyId/retire-previous-secret')
  @HttpCode(200)
  @ApiOperation({ summary: 'End the grace period of the previous secret now' })
  @ApiHeader(IDEMPOTENCY)
  @ApiChange(ChangedKeyResponse)
  @ApiProblem(409, 'KEY_REVOKED, or CHANGE_NOT_ALLOWED by the product.')
  async retirePreviousSecret(
    @Param('tenantId') tenantId: string,
    @Param('keyId') keyId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const context = operatorContextOf(request);
    const committed = await this.commands.retirePreviousSecret(tenantId, keyId, null, context);
    return this.changed(committed, request, reply);
  }

  @Post(':keyId/revoke')
  @HttpCode(200)
  @ApiOperation({ summary: 'Revoke a key for ever; repeating it changes nothing' })
  @ApiHeader(IDEMPOTENCY)
  @ApiChange(ChangedKeyResponse)
  async revoke(
    @Param('tenantId') tenantId: string,
    @Param('keyId') keyId: string,
    @Body() { reason = '' }: RevokeKeyRequest,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const wish = { reason: reason === '' ? null : reason, ceiling: null };
    const committed = await this.commands.revoke(tenantId, keyId, wish, operatorContextOf(request));
    return this.changed(committed, request, reply);
  }

  @Get(':keyId/events')
  @ApiOperation({
    summary: "Read a key's history, oldest first: what happened, when, by whom and from where",
  })
  @ApiResponse({ status: 200, type: KeyHistoryResponse })
  async events(@Param('tenantId') tenantId: string, @Param('keyId') keyId: string) {
    const events = await this.reads.events(tenantId, keyId);
    if (events.length === 0) throw new Rejection('KEY_NOT_FOUND');
    return { data: events.map(historyEntryOf) };
  }

  @Get(':keyId/usage')
  @ApiOperation({ summary: 'Read how much a key was used in the last 30 days' })
  @ApiResponse({ status: 200, type: KeyUsageResponse })
  async usageOf(@Param('tenantId') tenantId: string, @Param('keyId') keyId: string) {
    const { state } = await this.existing(tenantId, keyId);
    const figures = await this.usage.figures(tenantId, keyId);
    const { lastUsed } = (await this.profiles.of(tenantId)).keys;
    const lastUsedAt = lastUsed === 'success' ? figures.lastUsedAt : figures.lastAuthenticatedAt;
    return { createdAt: new Date(state.createdAtMs).toISOString(), ...figures, lastUsedAt };
  }

  private async changed(committed: Committed<KeyResource>, request: FastifyRequest, reply: FastifyReply) {
    return { ...(await answerChange(this.answers, committed, request, reply)), key: revised(committed) };
  }

  private asRead({ state, version }: Versioned<ExistingKey>, nowMs: number): RevisedKey {
    return {
      ...keyResourceOf(state, nowMs),
      revision: this.revisions.of(streamOfKey(state.keyId), version),
    };
  }

  private async existing(tenantId: string, keyId: string) {
    const key = await this.reads.key(tenantId, keyId);
    if (key === undefined) throw new Rejection('KEY_NOT_FOUND');
    return key;
  }
}

function described({ name, environment, scopes, expiresAt, metadata }: CreateKeyRequest) {
  return { name, environment, scopes, expiresAtMs: instantOf(expiresAt), metadata: metadata ?? {} };
}

function revised({ resource, revision }: Committed<KeyResource>): RevisedKey {
  return { ...resource, revision };
}
