import type { ServiceError } from '@grpc/grpc-js';
import { setTimeout as delay } from 'node:timers/promises';
import type { CountObservations } from '#libs/testing/count-check';
import type { LatchkeyClient } from '#libs/testing/latchkey-client';

/** A key under load, and the only verdict that may ever be given about it. */
export interface LoadedKey {
  keyId: string;
  secret: string;
  verdict: 'VALID' | 'REVOKED';
}

/** What became of one attempt; `unknown`: no answer came, so it may have been received and counted, or not. */
type Outcome = 'answered' | 'refused' | 'unknown';

const VERIFYING_LOOPS = 2;
const API_LOOPS = 2;
/** Leaves the machine some air: the load is there to be in the middle of something, not to measure. */
const PAUSE_MS = 50;

/** Verifications and API requests that go on whatever is taken away, and a record of what each was answered. */
export class RequestLoad {
  /** Answers that no fault may cause. */
  readonly wrong: string[] = [];
  private readonly keyIds: Record<Outcome, string[]> = { answered: [], refused: [], unknown: [] };
  private readonly answersOf = { verifier: 0, api: 0 };
  private stopping = false;
  private readonly loops: Promise<void>[];

  constructor(
    private readonly client: LatchkeyClient,
    keys: readonly LoadedKey[],
  ) {
    const loop = async (offset: number, attempt: (key: LoadedKey) => Promise<void>) => {
      for (let turn = offset; !this.stopping; turn += 1) {
        await attempt(keys[turn % keys.length] as LoadedKey);
        await delay(PAUSE_MS);
      }
    };
    this.loops = [
      ...Array.from({ length: VERIFYING_LOOPS }, (_, offset) => loop(offset, (key) => this.verify(key))),
      ...Array.from({ length: API_LOOPS }, (_, offset) => loop(offset, (key) => this.request(key))),
    ];
  }

  /** How many verdicts were given so far, over gRPC and by the API. */
  get answered(): { readonly verifier: number; readonly api: number } {
    return { ...this.answersOf };
  }

  /** Attempts that were told, or found out, that no verdict can be had now. */
  get refused(): number {
    return this.keyIds.refused.length;
  }

  /** Attempts that ended without any answer. */
  get unknown(): number {
    return this.keyIds.unknown.length;
  }

  /** Resolves when every attempt has ended. */
  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.loops);
  }

  /** What must be counted and what may be, by key. */
  observations(): Omit<CountObservations, 'counted'> {
    const { answered, unknown } = this.keyIds;
    return { answered, received: [...answered, ...unknown] };
  }

  private async verify({ keyId, secret, verdict: expected }: LoadedKey): Promise<void> {
    try {
      const verdict = await this.client.verdict(secret);
      this.keyIds.answered.push(keyId);
      this.answersOf.verifier += 1;
      if (verdict !== expected) this.wrong.push(`${keyId} is ${expected}, but the verifier said ${verdict}`);
    } catch (error) {
      const { metadata, details = String(error) } = error as Partial<ServiceError>;
      const rejection = metadata?.get('latchkey-rejection')[0]?.toString();
      const unreached = /No connection established|ECONNREFUSED/.test(details);
      this.keyIds[rejection !== undefined || unreached ? 'refused' : 'unknown'].push(keyId);
      if (rejection !== undefined && rejection !== 'UNAVAILABLE' && rejection !== 'FENCE_LEASE_LAPSED') {
        this.wrong.push(`${keyId} is ${expected}, but the verifier refused with ${details}`);
      }
    }
  }

  private async request({ keyId, secret, verdict }: LoadedKey): Promise<void> {
    const expected = verdict === 'VALID' ? '200' : '401 CREDENTIAL_REVOKED';
    try {
      const { status, body } = await this.client.api('GET', '/v1/whoami', secret);
      if (status === 503) {
        this.keyIds.refused.push(keyId);
        return;
      }
      this.keyIds.answered.push(keyId);
      this.answersOf.api += 1;
      const answer = status === 200 ? '200' : `${status} ${body.code}`;
      if (answer !== expected) this.wrong.push(`${keyId} is ${verdict}, but the API said ${answer}`);
    } catch (error) {
      const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
      this.keyIds[code === 'ECONNREFUSED' ? 'refused' : 'unknown'].push(keyId);
    }
  }
}
