import { type DynamicModule, Module } from '@nestjs/common';
import { CollectionsController } from './collections/collections.controller.js';
import { Documents } from './collections/documents.js';
import { WrittenForms } from './collections/written-forms.js';
import { EnforcementsController } from './keys/enforcements.controller.js';
import { KeyManagement } from './keys/key-management.js';
import { KeyUsage } from './keys/key-usage.js';
import { KeysController } from './keys/keys.controller.js';
import { CursorSeal } from './lists/sealed-cursor.js';
import { AccountVersionController } from './versions/account-version.controller.js';
import { AccountVersions } from './versions/account-versions.js';
import { WhoamiController } from './whoami/whoami.controller.js';

export interface ApiParts {
  service: DynamicModule;
  keyManagement: KeyManagement;
  keyUsage: KeyUsage;
  documents: Documents;
  accountVersions: AccountVersions;
  cursors: CursorSeal;
  forms: WrittenForms;
}

@Module({})
export class ApiModule {
  static with({
    service,
    keyManagement,
    keyUsage,
    documents,
    accountVersions,
    cursors,
    forms,
  }: ApiParts): DynamicModule {
    return {
      module: ApiModule,
      imports: [service],
      controllers: [
        WhoamiController,
        KeysController,
        EnforcementsController,
        AccountVersionController,
        CollectionsController,
      ],
      providers: [
        { provide: KeyManagement, useValue: keyManagement },
        { provide: KeyUsage, useValue: keyUsage },
        { provide: Documents, useValue: documents },
        { provide: WrittenForms, useValue: forms },
        { provide: AccountVersions, useValue: accountVersions },
        { provide: CursorSeal, useValue: cursors },
      ],
    };
  }
}
