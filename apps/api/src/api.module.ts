import { type DynamicModule, Module } from '@nestjs/common';
import { EnforcementsController } from './keys/enforcements.controller.js';
import { KeyManagement } from './keys/key-management.js';
import { KeyUsage } from './keys/key-usage.js';
import { KeysController } from './keys/keys.controller.js';
import { WhoamiController } from './whoami/whoami.controller.js';

export interface ApiParts {
  service: DynamicModule;
  keyManagement: KeyManagement;
  keyUsage: KeyUsage;
}

@Module({})
export class ApiModule {
  static with({ service, keyManagement, keyUsage }: ApiParts): DynamicModule {
    return {
      module: ApiModule,
      imports: [service],
      controllers: [WhoamiController, KeysController, EnforcementsController],
      providers: [
        { provide: KeyManagement, useValue: keyManagement },
        { provide: KeyUsage, useValue: keyUsage },
      ],
    };
  }
}
