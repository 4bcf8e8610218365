import { type DynamicModule, Module } from '@nestjs/common';
import { RequestReporter } from '#libs/request-reporting';
import { VerifierMetrics } from './metrics.js';
import { VerifierController } from './verify/verifier.controller.js';
import { CredentialVerifier } from './verify/verify-credentials.js';

@Module({})
export class AuthVerifierModule {
  static with(parts: {
    service: DynamicModule;
    verifier: CredentialVerifier;
    reporter: RequestReporter;
    metrics: VerifierMetrics;
  }): DynamicModule {
    return {
      module: AuthVerifierModule,
      imports: [parts.service],
      controllers: [VerifierController],
      providers: [
        { provide: CredentialVerifier, useValue: parts.verifier },
        { provide: RequestReporter, useValue: parts.reporter },
        { provide: VerifierMetrics, useValue: parts.metrics },
      ],
    };
  }
}
