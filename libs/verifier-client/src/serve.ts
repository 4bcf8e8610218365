import type { VerificationConfig } from '#libs/verification/config';
import { startVerification, type VerificationPorts } from '#libs/verification/serve';
import { InProcessVerifierClient } from './in-process-verifier-client.js';
import type { VerifierClient } from './verifier-client.js';

/** Starts a verifier in this process: lease, near cache and read-through of key-management, and no view besides. */
export function startInProcessVerifier(
  config: VerificationConfig,
  parts: Pick<VerificationPorts, 'rateLimiting' | 'logger' | 'metrics'>,
  caller: string,
): VerifierClient {
  return new InProcessVerifierClient(startVerification(config, { ...parts, view: undefined }), caller);
}
