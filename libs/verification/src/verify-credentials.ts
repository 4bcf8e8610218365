import { isCounted, type Outcome, Rejection, type RequestEvent } from '#libs/contracts';
import {
  Counting,
  Verdict,
  type VerifyRequest,
  type VerifyResponse,
} from '#libs/contracts/gen/latchkey/v1/verifier_service';
import {
  type FenceVerifier,
  type Revision,
  type RevisionSeal,
  subjectOfKey,
  subjectOfTenant,
} from '#libs/fence';
import { digestOf } from '#libs/key-secret';
import { type Demand, demandOf, isBehind } from './consistency.js';
import { isWellFormed } from './credential-form.js';
import type { CredentialRecords } from './credential-records.js';
import { RevisionTokens } from './revision-tokens.js';
import { type KnownCredential, verdictOf } from './verdict.js';

/** One answered request; `event` is what must be counted before the answer leaves. */
export interface Verification {
  outcome: Outcome;
  response: VerifyResponse;
  event: RequestEvent | undefined;
}

/** A request, and what its verification goes by. */
interface Question {
  request: VerifyRequest;
  demand: Demand;
  /** Of the credential; undefined where that is none by its form. */
  digest: string | undefined;
  caller: string;
}

/** A question about a credential that may exist. */
type AskedOfRecords = Question & { digest: string };

/** Why nothing can be said from what is known: the authority must be read. */
type TooOld = 'key_too_old' | 'tenant_too_old' | 'behind';

export interface VerificationParts {
  records: CredentialRecords;
  fence: FenceVerifier;
  /** The monotonic clock that the fence counts its lease by. */
  nowMs: () => number;
  /** Whether the fence has applied its log up to here, or has soon. */
  reach: (head: number) => Promise<boolean>;
  /** Milliseconds that a degraded answer may be behind at most. */
  behindMsMax: () => number;
  revisions: RevisionSeal;
  legacyPatterns: readonly RegExp[];
  /** Milliseconds since the epoch, for when a request was made; what expires is judged by the authority's time. */
  clock: () => number;
  newRequestId: () => string;
}

/**
 * Verifies credentials: form, digest, records, verdict. Everything that may wait comes first; then, in one synchronous
 * block, lease and floors are checked and the verdict is reached, so that nothing can change in between.
 */
export class CredentialVerifier {
  private readonly tokens: RevisionTokens;

  constructor(private readonly parts: VerificationParts) {
    this.tokens = new RevisionTokens(parts.revisions);
  }

  /**
   * The verification: itself where nobody had to be asked. Throws, or rejects with, the rejection INVALID_REQUEST for
   * a consistency or revision that is none of ours, FENCE_LEASE_LAPSED while there is no lease, and UNAVAILABLE where no
   * verdict can be reached.
   */
  verify(request: VerifyRequest, caller: string): Verification | Promise<Verification> {
    const question = this.question(request, caller);
    return this.answerNearBy(question) ?? this.answerAsking(question as AskedOfRecords);
  }

  /** The verifications in the order of the requests; one that can't be reached fails all. */
  async verifyAll(requests: readonly VerifyRequest[], caller: string): Promise<Verification[]> {
    const questions = requests.map((request, index) => this.question(request, caller, `requests.${index}.`));
    const answers = questions.map((question) => this.answerNearBy(question));
    const open = questions.filter((_, index) => answers[index] === undefined) as AskedOfRecords[];
    if (open.length === 0) return answers as Verification[];

    const leased = open.filter(({ demand }) => demand === 'leased');
    const digests = leased.map(({ digest }) => digest);
    const known = digests.length === 0 ? [] : await this.parts.records.findAll(digests, caller);
    const found = new Map(leased.map((question, at) => [question, known[at]]));
    const answerOpen = async (question: AskedOfRecords) =>
      found.has(question) ? this.settle(question, found.get(question)) : this.answerAsking(question);
    return Promise.all(
      questions.map(async (question, index) => answers[index] ?? answerOpen(question as AskedOfRecords)),
    );
  }

  private question(request: VerifyRequest, caller: string, path = ''): Question {
    const demand = demandOf(request, this.parts.revisions, path);
    const { credential } = request;
    const digest = isWellFormed(credential, this.parts.legacyPatterns) ? digestOf(credential) : undefined;
    return { request, demand, digest, caller };
  }

  /** From what is known without asking anyone; undefined where that is not enough. */
  private answerNearBy(question: Question): Verification | undefined {
    const { demand, digest } = question;
    if (digest === undefined) return this.malformed();
    if (demand !== 'leased') return undefined;
    const { records } = this.parts;
    const known = records.nearBy(digest);
    if (known === undefined) return undefined;
    const answer = this.judge(question, known);
    if (typeof answer !== 'string') return answer;
    if (answer === 'key_too_old') records.forget(digest);
    return undefined;
  }

  private async answerAsking(question: AskedOfRecords): Promise<Verification> {
    return this.settle(question, await this.read(question));
  }

  private read({ digest, demand, caller }: AskedOfRecords): Promise<KnownCredential | undefined> {
    const { records } = this.parts;
    if (demand === 'leased') return records.find(digest, caller);
    if (demand === 'authority') return records.findNow(digest, caller);
    return this.readReaching(demand, digest, caller);
  }

  private async readReaching(
    { epoch, head }: Revision,
    digest: string,
    caller: string,
  ): Promise<KnownCredential | undefined> {
    const { records, fence, reach } = this.parts;
    const isOurs = () => epoch === fence.registeredEpoch;
    if (!isOurs()) return records.findNow(digest, caller);
    if (!(await reach(head))) throw new Rejection('UNAVAILABLE', [], 1);
    const known = isOurs() ? await records.find(digest, caller) : undefined;
    return known ?? records.findNow(digest, caller);
  }

  /** Judges what was found. What is too old is read from the authority, once, and judged again. */
  private settle(
    question: AskedOfRecords,
    known: KnownCredential | undefined,
  ): Verification | Promise<Verification> {
    const answer = this.judgeAndKeep(question, known);
    return typeof answer === 'string' ? this.settleAgain(question, known as KnownCredential, answer) : answer;
  }

  private async settleAgain(
    question: AskedOfRecords,
    known: KnownCredential,
    why: TooOld,
  ): Promise<Verification> {
    const answer = this.judgeAndKeep(question, await this.readAgain(known, why, question.caller));
    if (typeof answer !== 'string') return answer;
    throw new Rejection('UNAVAILABLE', [], 1);
  }

  private async readAgain(
    known: KnownCredential,
    why: TooOld,
    caller: string,
  ): Promise<KnownCredential | undefined> {
    const { records } = this.parts;
    switch (why) {
      case 'key_too_old':
        return records.findChanged(known.secret.digest, caller);
      case 'tenant_too_old':
        return records.withTenantChanged(known, caller);
      case 'behind':
        return records.findNow(known.secret.digest, caller);
    }
  }

  private judgeAndKeep(question: Question, known: KnownCredential | undefined): Verification | TooOld {
    const answer = this.judge(question, known);
    if (typeof answer !== 'string' && known !== undefined) this.parts.records.keep(known);
    return answer;
  }

  /** No await between the clock, the lease, the floors and the verdict. */
  private judge(question: Question, known: KnownCredential | undefined): Verification | TooOld {
    const { request, demand } = question;
    const { fence } = this.parts;
    const nowMs = this.parts.nowMs();
    const standing =
      known === undefined
        ? fence.standing(NOBODY, NOBODY, nowMs)
        : fence.standing(
            { id: known.secret.keyId, version: known.secret.version },
            { id: known.tenant.tenantId, version: known.tenant.version },
            nowMs,
          );
    if (standing === 'lapsed') throw new Rejection('FENCE_LEASE_LAPSED', [], 1);
    if (standing === 'key_too_old' || standing === 'tenant_too_old') return standing;
    if (typeof demand === 'object' && known !== undefined && demand.epoch === fence.registeredEpoch) {
      if (standing !== 'revoked' && isBehind(known, demand)) return 'behind';
    }
    const outcome =
      standing === 'revoked'
        ? 'REVOKED'
        : verdictOf(known, request.requiredScopes, fence.authorityTimeMs(nowMs) as number);
    if (known !== undefined && outcome !== 'VALID') this.refusedBy(known, outcome);
    const degraded = standing === 'degraded' ? { behindMsMax: this.parts.behindMsMax() } : undefined;
    return this.answer(question, known, outcome, degraded);
  }

  private answer(
    { request, caller }: Question,
    known: KnownCredential | undefined,
    outcome: Outcome,
    degraded: VerifyResponse['degraded'],
  ): Verification {
    const requestId = this.parts.newRequestId();
    if (known === undefined) {
      return { outcome, response: nameless(outcome, requestId, degraded), event: undefined };
    }
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
      revision: this.revisionOf(known, outcome),
      degraded,
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
      occurredAtMs: this.parts.clock(),
      reported: false,
    };
    return { outcome, response, event };
  }

  /** What a record refuses stays refused, also by an older record of the same. */
  private refusedBy({ secret, tenant }: KnownCredential, outcome: Outcome): void {
    const { fence } = this.parts;
    if (outcome === 'TENANT_SUSPENDED') fence.refusedBy(subjectOfTenant(tenant.tenantId), tenant.version);
    else fence.refusedBy(subjectOfKey(secret.keyId), secret.version);
  }

  /** Names the record that decided. */
  private revisionOf({ secret, tenant }: KnownCredential, outcome: Outcome): string {
    const { fence } = this.parts;
    const record = outcome === 'TENANT_SUSPENDED' ? tenant : secret;
    return this.tokens.of(record, fence.registeredEpoch as string, fence.applied);
  }

  private malformed(): Verification {
    const response = nameless('MALFORMED', this.parts.newRequestId(), undefined);
    return { outcome: 'MALFORMED', response, event: undefined };
  }
}

/** Nothing was ever changed about nobody: what is asked of the fence is whether there is a lease. */
const NOBODY = { id: '', version: Number.POSITIVE_INFINITY };

function nameless(outcome: Outcome, requestId: string, degraded: VerifyResponse['degraded']): VerifyResponse {
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
    degraded,
  };
}
