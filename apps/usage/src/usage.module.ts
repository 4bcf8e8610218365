import { type DynamicModule, Module } from '@nestjs/common';
import { OperatorToken } from '#libs/service-kit/operator.guard';
import { KeyUsageController, UsageController } from './querying/usage.controller.js';
import { UsageQueries } from './querying/usage-queries.js';
import type { UsageReads } from './querying/usage-reads.js';

export interface UsageParts {
  service: DynamicModule;
  reads: UsageReads;
  operatorToken: string;
}

@Module({})
export class UsageModule {
  static with({ service, reads, operatorToken }: UsageParts): DynamicModule {
    return {
      module: UsageModule,
      imports: [service],
      controllers: [UsageController, KeyUsageController],
      providers: [
        { provide: UsageQueries, useValue: new UsageQueries(reads, () => Date.now()) },
        { provide: OperatorToken, useValue: new OperatorToken(operatorToken) },
      ],
    };
  }
}
