import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { createLogger } from '#libs/service-kit';
import { eventually } from '#libs/testing/eventually';
import { managingKey, StandInKeyManagement } from '../served-api.contract.js';
import { type Verification, type VerificationRequest, Verifier } from '../verification/verifier.js';
import { RevocationCanary } from './revocation.canary.js';

/** Knows the managing key; of any other it says first that it is VALID, and then what `after` is. */
class ForgetfulVerifier extends Verifier {
  after: 'REVOKED' | 'VALID' = 'REVOKED';
  private shown = false;

  override async verify({ credential }: VerificationRequest): Promise<Verification> {
    if (credential === 'managing')
      return { outcome: 'VALID', requestId: 'r', key: managingKey, rateLimit: null };
    const outcome = this.shown ? this.after : 'VALID';
    this.shown = !this.shown;
    return { outcome, requestId: 'r', key: { ...managingKey, keyId: 'key_1' }, rateLimit: null };
  }
}

describe('RevocationCanary', () => {
  let verifier: ForgetfulVerifier;
  let keyManagement: StandInKeyManagement;
  let metrics: Registry;
  let canary: RevocationCanary;
  beforeEach(() => {
    verifier = new ForgetfulVerifier();
    keyManagement = new StandInKeyManagement();
    metrics = new Registry();
    const logger = createLogger('api', 'silent');
    const parts = { verifier, keyManagement, credential: 'managing', intervalMs: 1, logger, metrics };
    canary = new RevocationCanary(parts);
  });
  afterEach(() => canary.close());

  async function checks(result: string): Promise<number> {
    const { values } = await (
      metrics.getSingleMetric('latchkey_revocation_checks_total') as never as {
        get(): Promise<{ values: { labels: { result: string }; value: number }[] }>;
      }
    ).get();
    return values.find(({ labels }) => labels.result === result)?.value ?? 0;
  }

  const violations = async () =>
    Number(/^latchkey_revocation_violation_total (\d+)/m.exec(await metrics.metrics())?.[1]);

  it('makes keys and revokes them, each waited for, and counts those that are refused', async () => {
    canary.start();
    await eventually(async () => expect(await checks('refused')).toBeGreaterThan(1));
    await canary.close();
    expect(await violations()).toBe(0);
    const [made, revoked] = keyManagement.changes;
    expect(made).toMatchObject({ by: { manager: managingKey }, wish: { scopes: [], environment: 'live' } });
    expect(revoked).toMatchObject({ wish: { reason: 'revocation canary' } });
    expect(keyManagement.waits[0]).toBe(60);
  });

  it('counts a key that is let in after its revocation', async () => {
    verifier.after = 'VALID';
    canary.start();
    await eventually(async () => expect(await violations()).toBeGreaterThan(0));
    await canary.close();
    expect(await checks('violated')).toBe(await violations());
    expect(await checks('refused')).toBe(0);
  });

  it('says nothing about a revocation that was not enforced, or could not be made', async () => {
    verifier.after = 'VALID';
    keyManagement.enforcedAfterSeconds = 61;
    canary.start();
    await eventually(async () => expect(await checks('undecided')).toBeGreaterThan(0));
    expect(await violations()).toBe(0);
  });
});
