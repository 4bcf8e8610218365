import { randomBytes } from 'node:crypto';
import { type DynamicModule, Module } from '@nestjs/common';
import { EventStore } from '#libs/event-store';
import { OperatorToken } from '#libs/service-kit/operator.guard';
import { Idempotency } from './commands/idempotency.js';
import { KeyManagementController } from './key-management.controller.js';
import { KeyCommands } from './keys/key-commands.js';
import { KeyReads } from './keys/key-reads.js';
import { KeysController } from './keys/keys.controller.js';
import type { Projected } from './read-model/projected.js';
import { TenantCommands } from './tenants/tenant-commands.js';
import { TenantsController } from './tenants/tenants.controller.js';
import { KeyUsageReads } from './usage/key-usage-reads.js';
import { SealedRecords } from './view-records/sealed-records.js';

export interface KeyManagementParts {
  service: DynamicModule;
  store: EventStore<Projected>;
  reads: KeyReads;
  records: SealedRecords;
  usage: KeyUsageReads;
  operatorToken: string;
}

@Module({})
export class KeyManagementModule {
  static with({ service, store, reads, records, usage, operatorToken }: KeyManagementParts): DynamicModule {
    const nowMs = () => Date.now();
    const commands = new KeyCommands(store, new Idempotency(store), { nowMs, randomBytes });
    return {
      module: KeyManagementModule,
      imports: [service],
      controllers: [TenantsController, KeysController, KeyManagementController],
      providers: [
        { provide: KeyCommands, useValue: commands },
        { provide: TenantCommands, useValue: new TenantCommands(store, nowMs) },
        { provide: KeyReads, useValue: reads },
        { provide: SealedRecords, useValue: records },
        { provide: KeyUsageReads, useValue: usage },
        { provide: OperatorToken, useValue: new OperatorToken(operatorToken) },
      ],
    };
  }
}
