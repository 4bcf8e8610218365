import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Rejection } from '#libs/contracts';
import type { Profile } from '#libs/profiles';
import { ApiProblems } from '../problems/api-problems.response.js';
import { CurrentProduct } from '../products/product.hook.js';
import { CurrentKey, UsesKeyFor } from '../verification/verified-request.hook.js';
import type { VerifiedKey } from '../verification/verifier.js';
import { AccountVersionResponse } from './account-version.response.js';
import { AccountVersions } from './account-versions.js';
import { ChangeVersionRequest } from './change-version.request.js';

@ApiTags('account')
@ApiBearerAuth()
@Controller('v1/account-version')
export class AccountVersionController {
  constructor(private readonly accounts: AccountVersions) {}

  @Get()
  @UsesKeyFor('resources')
  @ApiOperation({
    summary: 'Tells which version of the API the account is pinned to, and what each version changed',
  })
  @ApiOkResponse({ type: AccountVersionResponse })
  @ApiProblems(400, 401, 403, 429, 500, 503)
  async read(
    @CurrentKey() key: VerifiedKey,
    @CurrentProduct() product: Profile,
  ): Promise<AccountVersionResponse> {
    const dated = datedOf(product);
    return answerOf(product, await this.accounts.pinned(key.tenantId, dated.at(-1)?.date ?? ''));
  }

  @Post()
  @HttpCode(200)
  @UsesKeyFor('managed keys')
  @ApiOperation({ summary: 'Upgrades the account to a newer version of the API, for all of its keys' })
  @ApiBody({ type: ChangeVersionRequest, required: false })
  @ApiOkResponse({ type: AccountVersionResponse })
  @ApiProblems(400, 401, 403, 413, 415, 429, 500, 503)
  async upgrade(
    @CurrentKey() key: VerifiedKey,
    @CurrentProduct() product: Profile,
    @Body() { version }: ChangeVersionRequest,
  ): Promise<AccountVersionResponse> {
    const dates = datedOf(product).map(({ date }) => date);
    const wished = version ?? dates.at(-1) ?? '';
    if (!dates.includes(wished)) refuse(`is none; there are ${dates.join(', ')}`);
    const pinned = await this.accounts.upgrade(key.tenantId, wished);
    if (pinned !== wished) refuse(`is older than the account’s, ${pinned}`);
    return answerOf(product, pinned);
  }
}

function datedOf({ versions }: Profile) {
  // Without versions no path leads here.
  return versions?.dated ?? [];
}

function answerOf(product: Profile, version: string): AccountVersionResponse {
  const dated = datedOf(product);
  return {
    version,
    newest: dated.at(-1)?.date ?? version,
    versions: dated.map(({ date, changeLog }) => ({ date, changeLog: [...changeLog] })),
  };
}

function refuse(message: string): never {
  throw new Rejection('INVALID_REQUEST', [{ field: 'version', message }]);
}
