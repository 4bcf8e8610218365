import { Controller, Get, Param, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Rejection } from '#libs/contracts';
import { OperatorGuard } from '#libs/service-kit/operator.guard';
import { ApiProblem } from '#libs/service-kit/problem.response';
import { EnforcementAnswers } from './enforcement-answers.js';
import { EnforcementResponse } from './enforcement.response.js';

@ApiTags('enforcements')
@ApiBearerAuth()
@ApiProblem(401, 'The operator token is missing or wrong.')
@ApiProblem(500, 'A fault of ours; `errorId` finds it in the log.')
@ApiProblem(503, 'A service or server behind this one is away; try again shortly.')
@UseGuards(OperatorGuard)
@Controller('v1/enforcements')
export class EnforcementsController {
  constructor(private readonly answers: EnforcementAnswers) {}

  @Get(':revision')
  @ApiOperation({ summary: 'Tell whether a change that was committed is enforced by now' })
  @ApiResponse({ status: 200, type: EnforcementResponse })
  @ApiProblem(404, 'This is no revision of a change to an existing key or tenant.')
  async read(@Param('revision') revision: string) {
    const found = await this.answers.find(revision);
    if (found === undefined) throw new Rejection('NOT_FOUND');
    return found.answer;
  }
}
