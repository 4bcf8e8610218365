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
import { DEFAULT_PROFILE, type Profile, type Profiles } from '#libs/profiles';
import type { Admission, Demand as LimitDemand, RateLimiter } from '#libs/rate-limit';
import { type Demand, demandOf, isBehind } from './consistency.js';
import { isWellFormed } from './credential-form.js';
import type { CredentialRecords } from './credential-records.js';
import { limitDemandOf } from './limit-demand.js';
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
  profile: Profile;
  demand: Demand;
  /** Of the credential; undefined where that is none by its form. */
  digest: string | undefined;
  caller: string;
}

/** A question about a credential that may exist. */
type AskedOfRecords = Question & { digest: string };

/** What is to be taken from a limit before there is an answer. */
interface Unadmitted {
  unadmitted: LimitDemand;
  known: KnownCredential;
}

/** A verification, or what it waits for. */
type Judged = Verification | Unadmitted;

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
  profiles: Profiles;
  limiter: RateLimiter;
  /** Milliseconds since the epoch, for when a request was made; what expires is judged by the authority's time. */
  clock: () => number;
  newRequestId: () => string;
}

/**
 * Verifies credentials: form, digest, records, limit, verdict. Everything that may wait comes first; then, in one
 * synchronous block, lease and floors are checked and the verdict is reached, so that nothing can change in between. A
 * request takes from its key's limit only when it would pass, or lacks a scope alone, and is judged again after that.
 */
export class CredentialVerifier {
  private readonly tokens: RevisionTokens;

  constructor(private readonly parts: VerificationParts) {
    this.tokens = new RevisionTokens(parts.revisions);
  }

  /**
   * The verification: itself where nobody had to be asked. Throws, or rejects with, the rejection INVALID_REQUEST for
   * a profile, consistency or revision that is none of ours, FENCE_LEASE_LAPSED while there is no lease, and UNAVAILABLE where no
   * verdict can be reached.
   */
  verify(request: VerifyRequest, caller: string): Verification | Promise<Verification> {
    const question = this.question(request, caller);
    const nearBy = this.judgeNearBy(question);
    if (nearBy === undefined) return this.verifyAsking(question as AskedOfRecords);
    return isUnadmitted(nearBy) ? this.admit(question, nearBy) : nearBy;
  }

  /**
   * The verifications in the order of the requests; one that can't be reached fails all. Nothing is taken from a limit
   * before each could be judged: what can't be answered must not cost the others.
   */
  async verifyAll(requests: readonly VerifyRequest[], caller: string): Promise<Verification[]> {
    const questions = requests.map((request, index) => this.question(request, caller, `requests.${index}.`));
    const nearBy = questions.map((question) => this.judgeNearBy(question));
    const judged = nearBy.includes(undefined)
      ? await this.judgeAllAsking(questions, nearBy, caller)
      : (nearBy as Judged[]);
    return judged.some(isUnadmitted) ? this.admitAll(questions, judged) : (judged as Verification[]);
  }

  private async verifyAsking(question: AskedOfRecords): Promise<Verification> {
    const judged = await this.judgeFound(question, await this.read(question));
    return isUnadmitted(judged) ? this.admit(question, judged) : judged;
  }

  private async judgeAllAsking(
    questions: readonly Question[],
    nearBy: readonly (Judged | undefined)[],
    caller: string,
  ): Promise<Judged[]> {
    const open = questions.filter((_, index) => nearBy[index] === undefined) as AskedOfRecords[];
    const leased = open.filter(({ demand }) => demand === 'leased');
    const others = open.filter(({ demand }) => demand !== 'leased');
    const [knownLeased, knownOthers] = await Promise.all([
      leased.length === 0
        ? []
        : this.parts.records.findAll(
            leased.map(({ digest }) => digest),
            caller,
          ),
      Promise.all(others.map((question) => this.read(question))),
    ]);
    const known = new Map<Question, KnownCredential | undefined>();
    leased.forEach((question, at) => known.set(question, knownLeased[at]));
    others.forEach((question, at) => known.set(question, knownOthers[at]));
    // All are judged in this turn and waited for together: a failure that nobody waits for would end the process.
    return Promise.all(
      questions.map(
        async (question, index) => nearBy[index] ?? this.judgeFound(question, known.get(question)),
      ),
    );
  }

  private async admit(question: Question, unadmitted: Unadmitted): Promise<Verification> {
    const [verification] = await this.admitAll([question], [unadmitted]);
    return verification as Verification;
  }

  /** Takes what is limited from its limits, at once, and judges it again: a key may have been revoked meanwhile. */
  private async admitAll(questions: readonly Question[], judged: readonly Judged[]): Promise<Verification[]> {
    const demands = judged.filter(isUnadmitted).map(({ unadmitted }) => unadmitted);
    const admissions = (await this.parts.limiter.consume(demands)).values();
    return Promise.all(
      judged.map(async (answer, index) => {
        if (!isUnadmitted(answer)) return answer;
        const admission = admissions.next().value as Admission;
        // What was admitted, or refused, is not unadmitted again.
        return this.judgeFound(
          questions[index] as Question,
          answer.known,
          admission,
        ) as Promise<Verification>;
      }),
    );
  }

  private question(request: VerifyRequest, caller: string, path = ''): Question {
    const demand = demandOf(request, this.parts.revisions, path);
    const profile = this.profileOf(request, path);
    const { credential } = request;
    const digest = isWellFormed(credential, profile) ? digestOf(credential) : undefined;
    return { request, profile, demand, digest, caller };
  }

  private profileOf({ profile: name }: VerifyRequest, path: string): Profile {
    const profile = this.parts.profiles.named(name === '' ? DEFAULT_PROFILE : name);
    if (profile !== undefined) return profile;
    throw new Rejection('INVALID_REQUEST', [
      { field: `${path}profile`, message: 'there is no such profile' },
    ]);
  }

  /** From what is known without asking anyone; undefined where that is not enough. */
  private judgeNearBy(question: Question): Judged | undefined {
    const { demand, digest } = question;
    if (digest === undefined) return this.malformed();
    if (demand !== 'leased') return undefined;
    const { records } = this.parts;
    const known = records.nearBy(digest);
    if (known === undefined) return undefined;
    const answer = this.judge(question, known, undefined);
    if (typeof answer !== 'string') return answer;
    if (answer === 'key_too_old') records.forget(digest);
    return undefined;
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
  private async judgeFound(
    question: Question,
    known: KnownCredential | undefined,
    admission?: Admission,
  ): Promise<Judged> {
    const answer = this.judgeAndKeep(question, known, admission);
    if (typeof answer !== 'string') return answer;
    const again = await this.readAgain(known as KnownCredential, answer, question.caller);
    const answeredAgain = this.judgeAndKeep(question, again, admission);
    if (typeof answeredAgain !== 'string') return answeredAgain;
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

  private judgeAndKeep(
    question: Question,
    known: KnownCredential | undefined,
    admission: Admission | undefined,
  ): Judged | TooOld {
    const answer = this.judge(question, known, admission);
    if (typeof answer !== 'string' && known !== undefined) this.parts.records.keep(known);
    return answer;
  }

  /** No await between the clock, the lease, the floors and the verdict. */
  private judge(
    question: Question,
    known: KnownCredential | undefined,
    admission: Admission | undefined,
  ): Judged | TooOld {
    const { request, profile, demand } = question;
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
    const degraded = standing === 'degraded' ? { behindMsMax: this.parts.behindMsMax() } : undefined;
    // Of another product: for this one it does not exist.
    if (known === undefined || known.tenant.profile !== profile.name) {
      return this.answer(question, undefined, 'NOT_FOUND', degraded, undefined);
    }
    const needed = { allOf: request.requiredScopes, anyOf: request.anyOfScopes?.scopes };
    const nowAtAuthorityMs = fence.authorityTimeMs(nowMs) as number;
    const outcome = standing === 'revoked' ? 'REVOKED' : verdictOf(known, needed, nowAtAuthorityMs);
    const limited = outcome === 'VALID' || outcome === 'INSUFFICIENT_SCOPE';
    if (outcome !== 'VALID') this.refusedBy(known, outcome);
    const unadmitted = limited && admission === undefined ? limitDemandOf(profile, known) : undefined;
    if (unadmitted !== undefined) return { unadmitted, known };
    const passes = outcome !== 'VALID' || (admission?.admitted ?? true);
    return this.answer(
      question,
      known,
      passes ? outcome : 'RATE_LIMITED',
      degraded,
      limited ? admission : undefined,
    );
  }

  private answer(
    { request, caller }: Question,
    known: KnownCredential | undefined,
    outcome: Outcome,
    degraded: VerifyResponse['degraded'],
    admission: Admission | undefined,
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
      rateLimit: admission && rateLimitOf(admission),
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

function isUnadmitted(judged: Judged): judged is Unadmitted {
  return 'unadmitted' in judged;
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
    rateLimit: undefined,
  };
}

function rateLimitOf({
  limit,
  remaining,
  resetMs,
  retryAfterMs,
  degraded,
}: Admission): VerifyResponse['rateLimit'] {
  return { limit, remaining, resetMs: Math.ceil(resetMs), retryAfterMs: Math.ceil(retryAfterMs), degraded };
}
