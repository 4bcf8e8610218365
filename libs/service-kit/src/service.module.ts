import { type DynamicModule, Module } from '@nestjs/common';
import type { Registry } from 'prom-client';
import type { Dependency } from './health.js';
import { HealthController } from './health.controller.js';
import type { Logger } from './logger.js';
import { MetricsController } from './metrics.controller.js';
import { DEPENDENCIES, LOGGER, METRICS } from './tokens.js';

/** What every service has: its logger, its metrics and its health, for all its other modules. */
@Module({})
export class ServiceModule {
  static with(parts: {
    logger: Logger;
    metrics: Registry;
    dependencies: readonly Dependency[];
  }): DynamicModule {
    return {
      module: ServiceModule,
      global: true,
      controllers: [HealthController, MetricsController],
      providers: [
        { provide: LOGGER, useValue: parts.logger },
        { provide: METRICS, useValue: parts.metrics },
        { provide: DEPENDENCIES, useValue: parts.dependencies },
      ],
      exports: [LOGGER, METRICS, DEPENDENCIES],
    };
  }
}
