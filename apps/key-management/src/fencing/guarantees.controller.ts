import { Controller, Get, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { OperatorGuard } from '#libs/service-kit/operator.guard';
import { ApiProblem } from '#libs/service-kit/problem.response';
import { FenceLedger } from './fence-ledger.js';
import { GuaranteesResponse, LiveVerifiersResponse } from './guarantees.response.js';

/** The numbers of this deployment behind the promise that a revoked key is refused at once (docs/guarantees.md). */
@ApiTags('guarantees')
@ApiBearerAuth()
@ApiProblem(401, 'The operator token is missing or wrong.')
@ApiProblem(500, 'A fault of ours; `errorId` finds it in the log.')
@ApiProblem(503, 'The database is away; try again shortly.')
@UseGuards(OperatorGuard)
@Controller('v1')
export class GuaranteesController {
  constructor(private readonly ledger: FenceLedger) {}

  @Get('guarantees')
  @ApiOperation({
    summary: 'How long a restriction takes at most to hold at every verifier, and by which numbers',
  })
  @ApiResponse({ status: 200, type: GuaranteesResponse })
  async guarantees(): Promise<GuaranteesResponse> {
    const { standing, rows } = await this.ledger.observe();
    return {
      leaseMs: standing.leaseMs,
      serveStaleMaxMs: standing.serveStaleMaxMs,
      revokeWorstCaseMs: Math.ceil(standing.boundMs),
      epoch: standing.epoch,
      epochSettled: standing.settled,
      fenceHead: standing.head,
      liveVerifiers: rows.length,
    };
  }

  @Get('verifiers')
  @ApiOperation({ summary: 'The verifiers that restrictions wait for, and how far each is' })
  @ApiResponse({ status: 200, type: LiveVerifiersResponse })
  async verifiers(): Promise<LiveVerifiersResponse> {
    const { standing, rows } = await this.ledger.observe();
    return {
      data: rows.map(({ verifierId, incarnation, profiles, acked, serveStaleMs, renewedAgoMs }) => ({
        verifierId,
        incarnation,
        profiles: [...profiles],
        applied: acked,
        lag: standing.head - acked,
        serveStaleMs,
        leaseLeftMs: Math.max(0, Math.round(standing.leaseMs - renewedAgoMs)),
      })),
    };
  }
}
