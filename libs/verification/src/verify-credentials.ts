import { isCounted, type Outcome, type RequestEvent } from '#libs/contracts';
import {
  Counting,
  Verdict,
  type VerifyRequest,
  type VerifyResponse,
} from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { digestOf } from '#libs/key-secret';
import type { SecretRecord } from '#libs/key-view';
import { revisionOf } from '#libs/service-kit';
import type { CredentialRecords } from './credential-records.js';
import { isWellFormed } from './credential-form.js';
import { type KnownCredential, verdictOf } from './verdict.js';

/** One answered request; `event` is what must be counted before the answer leaves. */
export interface Verification {
  outcome: Outcome;
  response: VerifyResponse;
  event: RequestEvent | undefined;
}

/** Verifies credentials: form, digest, records, verdict. */
export class CredentialVerifier {
  private readonly revisions = new WeakMap<SecretRecord, string>();

  constructor(
    private readonly parts: {
      records: CredentialRecords;
      legacyPatterns: readonly RegExp[];
      /** Milliseconds since the epoch. */
      clock: () => number;
      newRequestId: () => string;
    },
  ) {}

  /** Throws the rejection UNAVAILABLE where no verdict can be reached. */
  async verify(request: VerifyRequest, caller: string): Promise<Verification> {
    const digest = this.digestOf(request);
    if (digest === undefined) return this.malformed();
    const known = await this.parts.records.find(digest, caller);
    // The clock is read after the records: what expired while waiting for them is expired.
    return this.judge(request, known, caller, this.parts.clock());
  }

  /** The verifications in the order of the requests; one that can't be reached fails all. */
  async verifyAll(requests: readonly VerifyRequest[], caller: string): Promise<Verification[]> {
    const digests = requests.map((request) => this.digestOf(request));
    const asked = digests.filter((digest) => digest !== undefined);
    const known = asked.length === 0 ? [] : await this.parts.records.findAll(asked, caller);
    const nowMs = this.parts.clock();
    let next = 0;
    return requests.map((request, index) =>
      digests[index] === undefined ? this.malformed() : this.judge(request, known[next++], caller, nowMs),
    );
  }

  private digestOf({ credential }: VerifyRequest): string | undefined {
    return isWellFormed(credential, this.parts.legacyPatterns) ? digestOf(credential) : undefined;
  }

  private malformed(): Verification {
    return {
      outcome: 'MALFORMED',
      response: nameless('MALFORMED', this.parts.newRequestId()),
      event: undefined,
    };
  }

  /** Remembered with the record: encoding it costs more than judging the record. */
  private revisionOf(secret: SecretRecord): string {
    let revision = this.revisions.get(secret);
    if (revision === undefined) {
      revision = revisionOf(`key-${secret.keyId}`, secret.version);
      this.revisions.set(secret, revision);
    }
    return revision;
  }

  private judge(
    request: VerifyRequest,
    known: KnownCredential | undefined,
    caller: string,
    nowMs: number,
  ): Verification {
    const outcome = verdictOf(known, request.requiredScopes, nowMs);
    const requestId = this.parts.newRequestId();
    if (known === undefined) return { outcome, response: nameless(outcome, requestId), event: undefined };
    const { secret } = known;
    const response: VerifyResponse = {
      verdict: Verdict[outcome],
      requestId,
      keyId: secret.keyId,
      tenantId: secret.tenantId,
      environment: secret.environment,
      scopes: secret.scopes,
      expiresAt: secret.expiresAtMs === null ? undefined : new Date(secret.expiresAtMs),
      secretGeneration: secret.generation,
      revision: this.revisionOf(secret),
    };
    if (request.counting === Counting.CALLER_REPORTS || !isCounted(outcome)) {
      return { outcome, response, event: undefined };
    }
    const event: RequestEvent = {
      requestId,
      tenantId: secret.tenantId,
      keyId: secret.keyId,
      environment: secret.environment,
      outcome,
      status: null,
      route: request.route,
      method: request.method,
      caller,
      occurredAtMs: nowMs,
      reported: false,
    };
    return { outcome, response, event };
  }
}

function nameless(outcome: Outcome, requestId: string): VerifyResponse {
  return {
    verdict: Verdict[outcome],
    requestId,
    keyId: '',
    tenantId: '',
    environment: '',
    scopes: [],
    expiresAt: undefined,
    secretGeneration: 0,
    revision: '',
  };
}
