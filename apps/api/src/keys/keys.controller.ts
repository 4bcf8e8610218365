import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiCreatedResponse,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Rejection } from '#libs/contracts';
import type { Profile } from '#libs/profiles';
import { preferredWaitOf, requestContextOf } from '#libs/service-kit';
import { ListRequest } from '../lists/list.request.js';
import { requestedPage } from '../lists/requested-page.js';
import { CursorSeal } from '../lists/sealed-cursor.js';
import { publicPath } from '../products/product-path.js';
import { CurrentProduct, productOf } from '../products/product.hook.js';
import { ApiProblems } from '../problems/api-problems.response.js';
import { CurrentKey, UsesKeyFor } from '../verification/verified-request.hook.js';
import type { VerifiedKey } from '../verification/verifier.js';
import { CreateKeyRequest } from './create-key.request.js';
import { ApiChange } from './api-change.response.js';
import { type Enforcement, KeyManagement, type ManagedBy } from './key-management.js';
import { enforcementResourceOf, keyResourceOf, keyWithInsightsOf } from './key-resource.js';
import { KeyUsage } from './key-usage.js';
import {
  ChangedKeyResponse,
  IssuedKeyResponse,
  KeyListResponse,
  RotatedKeyResponse,
} from './key.response.js';
import { RevokeKeyRequest } from './revoke-key.request.js';
import { RotateKeyRequest } from './rotate-key.request.js';

/** Longest that a request waits until its change holds everywhere, seconds; then it is told where to ask. */
const WAIT_SECONDS_MAX = 50;

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  description:
    'Repeating a request with the same key within 24 hours answers the same resource, without the secret.',
  required: false,
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
} as const;
const KEY_ID = { name: 'keyId', example: 'key_0d3f6b8a1c2e4f5061728394a5b6c7' } as const;

@ApiTags('keys')
@ApiBearerAuth()
@Controller('v1/keys')
export class KeysController {
  constructor(
    private readonly keyManagement: KeyManagement,
    private readonly keyUsage: KeyUsage,
    private readonly cursors: CursorSeal,
  ) {}

  @Get()
  @UsesKeyFor('managed keys')
  @ApiOperation({
    summary: 'Lists the tenant’s keys of this key’s environment, newest first, with their insights',
  })
  @ApiOkResponse({ type: KeyListResponse })
  @ApiProblems(400, 401, 403, 429, 500, 503)
  async list(
    @CurrentKey() manager: VerifiedKey,
    @CurrentProduct() product: Profile,
    @Query() query: ListRequest,
  ): Promise<KeyListResponse> {
    const { listed: statuses, lastUsed } = product.keys;
    const list = { name: [manager.tenantId, manager.environment, 'keys'], isSearched: false };
    const page = requestedPage(product, list, query, this.cursors);
    const { keys, nextCursor, hasMore } = await this.keyManagement
      .list(manager, {
        statuses,
        limit: page.limit,
        order: page.order === 'desc' ? 'newest' : 'oldest',
        from: page.from,
      })
      .catch((error: unknown) => (namesNoKey(error) ? page.refuseStart() : Promise.reject(error)));
    // Without usage the list is unavailable: numbers that are not known are not shown as none.
    const insights = await this.keyUsage.insightsOf(
      manager.tenantId,
      keys.map(({ id }) => id),
    );
    const data = keys.map((key) => {
      const known = insights.get(key.id);
      if (known === undefined) throw new Error(`the usage service left out key ${key.id}`);
      return keyWithInsightsOf(key, known, lastUsed);
    });
    return page.answered(data, { next: nextCursor, hasMore });
  }

  @Post()
  @UsesKeyFor('managed keys')
  @ApiOperation({ summary: 'Creates a key, never wider than this one' })
  @ApiHeader(IDEMPOTENCY_KEY)
  @ApiCreatedResponse({ type: IssuedKeyResponse })
  @ApiProblems(400, 401, 403, 409, 413, 415, 422, 429, 500, 503)
  async create(
    @CurrentKey() manager: VerifiedKey,
    @Req() request: FastifyRequest,
    @Body() body: CreateKeyRequest,
  ): Promise<IssuedKeyResponse> {
    const { key, secret } = await this.keyManagement.create(
      {
        name: body.name,
        environment: body.environment ?? manager.environment,
        scopes: body.scopes ?? null,
        expiresAt: body.expiresAt ? new Date(body.expiresAt) : null,
        metadata: body.metadata ?? {},
      },
      managedBy(manager, request),
    );
    return { key: keyResourceOf(key), secret };
  }

  @Post(':keyId/rotate')
  @HttpCode(200)
  @UsesKeyFor('managed keys')
  @ApiOperation({ summary: 'Gives a key a new secret; the previous one stays valid for the grace period' })
  @ApiParam(KEY_ID)
  @ApiHeader(IDEMPOTENCY_KEY)
  @ApiBody({ type: RotateKeyRequest, required: false })
  @ApiChange(RotatedKeyResponse)
  @ApiProblems(400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503)
  async rotate(
    @CurrentKey() manager: VerifiedKey,
    @Req() request: FastifyRequest,
    @Param('keyId') keyId: string,
    @Body() { graceSeconds, retirePrevious }: RotateKeyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RotatedKeyResponse> {
    const { key, secret, enforcement } = await this.keyManagement.rotate(
      keyIdOf(keyId),
      { graceSeconds: graceSeconds ?? undefined, retirePrevious: retirePrevious ?? false },
      managedBy(manager, request),
      waitSecondsOf(request),
    );
    return { ...answered(enforcement, request, reply), key: keyResourceOf(key), secret };
  }

  @Post(':keyId/revoke')
  @HttpCode(200)
  @UsesKeyFor('managed keys')
  @ApiOperation({ summary: 'Revokes a key, for ever; repeating it changes nothing' })
  @ApiParam(KEY_ID)
  @ApiHeader(IDEMPOTENCY_KEY)
  @ApiBody({ type: RevokeKeyRequest, required: false })
  @ApiChange(ChangedKeyResponse)
  @ApiProblems(400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503)
  async revoke(
    @CurrentKey() manager: VerifiedKey,
    @Req() request: FastifyRequest,
    @Param('keyId') keyId: string,
    @Body() { reason }: RevokeKeyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChangedKeyResponse> {
    const { key, enforcement } = await this.keyManagement.revoke(
      keyIdOf(keyId),
      reason ?? null,
      managedBy(manager, request),
      waitSecondsOf(request),
    );
    return { ...answered(enforcement, request, reply), key: keyResourceOf(key) };
  }

  @Delete(':keyId')
  @UsesKeyFor('managed keys')
  @ApiOperation({ summary: 'Deletes a key: as revoking it' })
  @ApiParam(KEY_ID)
  @ApiHeader(IDEMPOTENCY_KEY)
  @ApiChange(ChangedKeyResponse)
  @ApiProblems(401, 403, 404, 429, 500, 503)
  delete(
    @CurrentKey() manager: VerifiedKey,
    @Req() request: FastifyRequest,
    @Param('keyId') keyId: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChangedKeyResponse> {
    return this.revoke(manager, request, keyId, {}, reply);
  }

  @Post(':keyId/retire-previous-secret')
  @HttpCode(200)
  @UsesKeyFor('managed keys')
  @ApiOperation({ summary: 'Ends the grace period of the secret before the current one' })
  @ApiParam(KEY_ID)
  @ApiHeader(IDEMPOTENCY_KEY)
  @ApiChange(ChangedKeyResponse)
  @ApiProblems(401, 403, 404, 409, 422, 429, 500, 503)
  async retirePreviousSecret(
    @CurrentKey() manager: VerifiedKey,
    @Req() request: FastifyRequest,
    @Param('keyId') keyId: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChangedKeyResponse> {
    const { key, enforcement } = await this.keyManagement.retirePreviousSecret(
      keyIdOf(keyId),
      managedBy(manager, request),
      waitSecondsOf(request),
    );
    return { ...answered(enforcement, request, reply), key: keyResourceOf(key) };
  }
}

/** Whether a page was to begin at a key that is not of the list. */
function namesNoKey(error: unknown): boolean {
  return (
    error instanceof Rejection &&
    error.fields.some(({ field }) => field === 'after_key_id' || field === 'before_key_id')
  );
}

function waitSecondsOf({ headers }: FastifyRequest): number {
  return Math.min(preferredWaitOf(headers['prefer'])?.seconds ?? WAIT_SECONDS_MAX, WAIT_SECONDS_MAX);
}

/** The body's part on how the change stands; 202 with where to ask where it does not hold everywhere yet. */
function answered(enforcement: Enforcement, request: FastifyRequest, reply: FastifyReply) {
  const { headers } = request;
  if (enforcement.status === 'committed' && enforcement.enforcedBy !== null) {
    const path = publicPath(productOf(request), `/v1/enforcements/${enforcement.revision}`);
    reply.status(202).header('location', path);
    const preferred = preferredWaitOf(headers['prefer']);
    if (preferred !== undefined && preferred.seconds <= WAIT_SECONDS_MAX)
      reply.header('preference-applied', preferred.applied);
  }
  return enforcementResourceOf(enforcement);
}

function managedBy(manager: VerifiedKey, request: FastifyRequest): ManagedBy {
  return {
    manager,
    ...requestContextOf(request),
    idempotencyKey: idempotencyKeyOf(request.headers['idempotency-key']),
  };
}

function idempotencyKeyOf(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  if (typeof header === 'string' && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  const message = 'Idempotency-Key must be 1 to 255 visible ASCII characters';
  throw new Rejection('INVALID_REQUEST', [{ field: 'Idempotency-Key', message }]);
}

/** What cannot be an id of ours is no key, and nobody need be asked. */
function keyIdOf(text: string): string {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(text)) throw new Rejection('KEY_NOT_FOUND');
  return text;
}
