import { Controller, Get, HttpCode, Inject, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { type Dependency, type Readiness, readinessOf } from './health.js';
import type { Logger } from './logger.js';
import { DEPENDENCIES, LOGGER } from './tokens.js';

@ApiTags('health')
@Controller('health')
export class HealthController {
  /** Said to be away in the log: once, not at every question. */
  private readonly away = new Set<string>();

  constructor(
    @Inject(DEPENDENCIES) private readonly dependencies: readonly Dependency[],
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Get('live')
  @HttpCode(200)
  @ApiOperation({ summary: 'Whether the process runs' })
  @ApiResponse({ status: 200, description: 'It runs.' })
  live(): { status: 'live' } {
    return { status: 'live' };
  }

  @Get('ready')
  @ApiOperation({ summary: 'Whether the service can do its work, and which dependency is away' })
  @ApiResponse({ status: 200, description: 'All dependencies are there.' })
  @ApiResponse({ status: 503, description: 'A dependency is away.' })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<Readiness> {
    const readiness = await readinessOf(this.dependencies, (name, err) => {
      if (!this.away.has(name)) this.logger.warn({ dependency: name, err }, 'dependency is away');
      this.away.add(name);
    });
    for (const name of this.away) {
      if (readiness.dependencies[name] !== 'up') continue;
      this.logger.info({ dependency: name }, 'dependency is back');
      this.away.delete(name);
    }
    reply.status(readiness.ready ? 200 : 503);
    return readiness;
  }
}
