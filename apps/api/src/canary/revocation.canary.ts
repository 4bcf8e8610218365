import { Counter, type Registry } from 'prom-client';
import { DEFAULT_PROFILE } from '#libs/profiles';
import type { Logger } from '#libs/service-kit';
import type { KeyManagement, ManagedBy } from '../keys/key-management.js';
import type { Verification, Verifier } from '../verification/verifier.js';

/** Longest that a revocation may wait until it is enforced, seconds. */
const WAIT_SECONDS = 60;

export interface RevocationCanaryParts {
  verifier: Verifier;
  keyManagement: KeyManagement;
  /** A key with `keys:manage`, of a tenant for this alone: each check leaves a revoked key there. */
  credential: string;
  intervalMs: number;
  logger: Logger;
  metrics: Registry;
}

/**
 * Checks the promise on the living system, again and again: makes a key, sees it let in, revokes it, and once that is
 * called enforced shows it again. `latchkey_revocation_violation_total` counts how often it was let in then, which must
 * stay 0; a check that came to no end says nothing and is counted apart.
 */
export class RevocationCanary {
  private closed = false;
  private running: Promise<void> = Promise.resolve();
  private wake: () => void = () => undefined;
  private readonly checks: Counter;
  private readonly violations: Counter;

  constructor(private readonly parts: RevocationCanaryParts) {
    const registers = [parts.metrics];
    this.checks = new Counter({
      name: 'latchkey_revocation_checks_total',
      help: 'Keys revoked to see whether they are refused, by result; undecided: the check came to no end.',
      labelNames: ['result'],
      registers,
    });
    this.violations = new Counter({
      name: 'latchkey_revocation_violation_total',
      help: 'Revoked keys that were let in after their revocation was called enforced. Must stay 0.',
      registers,
    });
  }

  /** Checks after every interval until it is closed. */
  start(): void {
    this.running = this.run();
  }

  /** Resolves when the check that is under way has ended. */
  async close(): Promise<void> {
    this.closed = true;
    this.wake();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.closed) {
      await this.pause();
      if (!this.closed) await this.check();
    }
  }

  private async check(): Promise<void> {
    const { logger } = this.parts;
    try {
      const { keyId, revision, outcome } = await this.revokeOne();
      const violated = outcome === 'VALID';
      this.checks.inc({ result: violated ? 'violated' : 'refused' });
      if (!violated) return;
      this.violations.inc();
      logger.error({ keyId, revision }, 'a key was let in after its revocation was called enforced');
    } catch (err) {
      this.checks.inc({ result: 'undecided' });
      logger.warn({ err }, 'whether a revoked key is refused could not be checked');
    }
  }

  /** Revokes a key of its own; resolves to what is said of it afterwards. */
  private async revokeOne(): Promise<{ keyId: string; revision: string; outcome: string }> {
    const { keyManagement, credential } = this.parts;
    const managing = valid(await this.verify(credential, ['keys:manage']), 'the key of the canary');
    const by: ManagedBy = {
      manager: managing.key,
      sourceAddress: '127.0.0.1',
      requestId: managing.requestId,
      traceId: null,
      idempotencyKey: null,
    };
    const { environment, expiresAt } = managing.key;
    const wish = { name: 'revocation canary', environment, scopes: [], expiresAt, metadata: {} };
    const { key, secret } = await keyManagement.create(wish, by);
    if (secret === null) throw new Error('key-management issued a key without its secret');
    valid(await this.verify(secret, null), 'a new key');
    const { enforcement } = await keyManagement.revoke(key.id, 'revocation canary', by, WAIT_SECONDS);
    const { status, revision } = enforcement;
    if (status !== 'enforced')
      throw new Error(`a revocation was not enforced within ${WAIT_SECONDS} seconds`);
    const { outcome } = await this.verify(secret, null);
    return { keyId: key.id, revision, outcome };
  }

  private verify(credential: string, anyOfScopes: string[] | null): Promise<Verification> {
    const asked = { credential, profile: DEFAULT_PROFILE, anyOfScopes, route: 'canary', method: 'CANARY' };
    return this.parts.verifier.verify(asked);
  }

  private pause(): Promise<void> {
    if (this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.wake(), this.parts.intervalMs);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function valid(verification: Verification, what: string): Extract<Verification, { key: unknown }> {
  if (verification.outcome !== 'VALID' || !('key' in verification))
    throw new Error(`${what} is ${verification.outcome}`);
  return verification;
}
