import { randomBytes } from 'node:crypto';
import { type DynamicModule, Module } from '@nestjs/common';
import type { EventStore } from '#libs/event-store';
import type { Profiles } from '#libs/profiles';
import { OperatorToken } from '#libs/service-kit/operator.guard';
import { ChangeRate } from './commands/change-rate.js';
import { Idempotency } from './commands/idempotency.js';
import { EnforcementAnswers } from './fencing/enforcement-answers.js';
import type { Enforcements } from './fencing/enforcements.js';
import { EnforcementsController } from './fencing/enforcements.controller.js';
import { FencedChanges } from './fencing/fenced-changes.js';
import type { FenceReceipt } from './fencing/fence-ledger.js';
import { Revisions } from './fencing/revisions.js';
import { FenceLedger } from './fencing/fence-ledger.js';
import { GuaranteesController } from './fencing/guarantees.controller.js';
import { KeyManagementController } from './key-management.controller.js';
import { BulkRevocationController } from './keys/bulk-revocation.controller.js';
import { BulkRevocation } from './keys/bulk-revocation.js';
import { KeyCommands } from './keys/key-commands.js';
import { KeyReads } from './keys/key-reads.js';
import { KeysController } from './keys/keys.controller.js';
import type { Projected } from './read-model/projected.js';
import { TenantCommands } from './tenants/tenant-commands.js';
import { TenantProfiles } from './tenants/tenant-profiles.js';
import { TenantsController } from './tenants/tenants.controller.js';
import { KeyUsageReads } from './usage/key-usage-reads.js';
import { SealedRecords } from './view-records/sealed-records.js';

export interface KeyManagementParts {
  service: DynamicModule;
  store: EventStore<Projected, FenceReceipt>;
  reads: KeyReads;
  records: SealedRecords;
  usage: KeyUsageReads;
  ledger: FenceLedger;
  enforcements: Enforcements;
  revisions: Revisions;
  /** Most changes of existing keys of one tenant per second. */
  changesPerSecondMax: number;
  operatorToken: string;
  profiles: Profiles;
}

@Module({})
export class KeyManagementModule {
  static with(parts: KeyManagementParts): DynamicModule {
    const { service, store, reads, records, usage, ledger, enforcements, revisions } = parts;
    const nowMs = () => Date.now();
    const fenced = new FencedChanges(ledger, revisions, nowMs);
    const rate = new ChangeRate(parts.changesPerSecondMax, () => performance.now());
    const profiles = new TenantProfiles(reads, parts.profiles);
    const chance = { nowMs, randomBytes };
    const commands = new KeyCommands(store, new Idempotency(store), fenced, rate, profiles, chance);
    return {
      module: KeyManagementModule,
      imports: [service],
      controllers: [
        TenantsController,
        KeysController,
        BulkRevocationController,
        EnforcementsController,
        GuaranteesController,
        KeyManagementController,
      ],
      providers: [
        { provide: KeyCommands, useValue: commands },
        { provide: BulkRevocation, useValue: new BulkRevocation(commands, reads, usage, fenced) },
        { provide: TenantCommands, useValue: new TenantCommands(store, fenced, rate, parts.profiles, nowMs) },
        { provide: TenantProfiles, useValue: profiles },
        { provide: KeyReads, useValue: reads },
        { provide: SealedRecords, useValue: records },
        { provide: KeyUsageReads, useValue: usage },
        { provide: Revisions, useValue: revisions },
        { provide: FenceLedger, useValue: ledger },
        {
          provide: EnforcementAnswers,
          useValue: new EnforcementAnswers(enforcements, ledger, revisions),
        },
        { provide: OperatorToken, useValue: new OperatorToken(parts.operatorToken) },
      ],
    };
  }
}
