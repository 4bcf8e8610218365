/**
 * What happened, as those saw it who asked: of the simulator or of real processes. All times are of one clock, in any
 * one unit. A *subject* is what can be restricted: `key-<id>`, `tenant-<id>`, `secret-<digest>`, or a name of one's own
 * such as `key-<id> write` for a scope.
 */
export type HistoryRecord = VerifyRecord | RestrictRecord | WidenRecord;

/** A verification, with what came of it. */
export interface VerifyRecord {
  type: 'verify';
  /** For people. */
  verifier: string;
  /** Names one memory of one verifier, over all verifiers: that of its incarnation, or of its process. */
  incarnation: string;
  invokedAt: number;
  returnedAt: number;
  /**
   * `ALLOW`: answered that none of `subjects` is restricted. `REFUSE`: answered that `refusedFor` is. `NONE`: neither,
   * such as unavailable, lapsed, or no answer at all.
   */
  verdict: 'ALLOW' | 'REFUSE' | 'NONE';
  /** What an `ALLOW` takes for unrestricted: the key, its tenant, the secret, the scopes asked for. */
  subjects: readonly string[];
  /** With `REFUSE` alone: of REVOKED the key, of TENANT_SUSPENDED the tenant, of SECRET_RETIRED the secret. */
  refusedFor?: string;
  /** The token that it was asked to be at least as fresh as. */
  atLeast?: string;
  /** The token that it answered. */
  revision?: string;
}

/** A command that restricts a subject; one without a {@link WidenRecord} after it does so for ever. */
export interface RestrictRecord {
  type: 'restrict';
  subject: string;
  invokedAt: number;
  /** When an answer said that it is committed, or enforced; absent: nobody knows whether it was and when. */
  committedAt?: number;
  /** When an answer said that it is enforced; absent: none did. */
  enforcedAt?: number;
  revision?: string;
}

/** A command that lifts whatever restricts the subject. */
export interface WidenRecord {
  type: 'widen';
  subject: string;
  invokedAt: number;
  /** When an answer said that it is committed; absent: nobody knows whether it was and when. */
  committedAt?: number;
  /** A verification that starts later than this must find it; absent: this is not checked. */
  effectiveAt?: number;
  revision?: string;
}

export interface Violation {
  rule: 1 | 2 | 3 | 4;
  /** The rule that was broken, in words. */
  says: string;
  subject: string;
  record: VerifyRecord;
}

const RULES = {
  enforced: { rule: 1, says: 'allowed, and began after the restriction was called enforced' },
  ownRefusal: { rule: 2, says: 'allowed by an incarnation that had refused before' },
  revisionRestricted: { rule: 3, says: 'allowed, and was to be at least as fresh as the restriction' },
  revisionRefused: { rule: 3, says: 'allowed, and was to be at least as fresh as a refusal' },
  revisionWidened: {
    rule: 3,
    says: 'refused, and was to be at least as fresh as what lifted the restriction',
  },
  neverRestricted: { rule: 4, says: 'refused before anybody had asked for a restriction' },
  widened: { rule: 4, says: 'refused after what lifted the restriction was in effect everywhere' },
} as const;

/**
 * The verifications that break the guarantee (docs/guarantees.md), none where it held:
 * 1. nothing is allowed that began after a restriction of it was called enforced;
 * 2. an incarnation allows nothing that it has refused before;
 * 3. what was asked to be at least as fresh as a command, or as a refusal, is;
 * 4. nothing is refused that nobody restricted, or whose restriction was lifted and is in effect.
 *
 * Commands that overlap may have happened in any order, one without an answer at any time after it was asked for or
 * never: only what is wrong in every possible order is reported. Takes n log n time for n records, in any order.
 */
export function checkHistory(records: readonly HistoryRecord[]): Violation[] {
  const commands = commandsBySubject(records);
  const { refusedByMemory, tokens } = claimsOf(records);
  const violations: Violation[] = [];
  for (const record of records) {
    if (record.type !== 'verify') continue;
    const broken = (rule: keyof typeof RULES, subject: string) =>
      violations.push({ ...RULES[rule], subject, record });
    const token = record.atLeast === undefined ? undefined : tokens.get(record.atLeast);
    const { invokedAt, returnedAt } = record;
    if (record.verdict === 'ALLOW') {
      const refused = refusedByMemory.get(record.incarnation);
      for (const subject of record.subjects) {
        const { restricted, enforced, widened } = commands.get(subject) ?? NO_COMMANDS;
        // What lifts a restriction excuses the answer unless it was over before the restriction was asked for.
        const liftedUntil = widened.latestBefore(returnedAt);
        const enforcedFrom = enforced.latestBefore(invokedAt);
        if (enforcedFrom > NEVER && liftedUntil <= enforcedFrom) broken('enforced', subject);
        const neverLifted = liftedUntil <= restricted.earliest;
        if ((refused?.get(subject) ?? ALWAYS) < invokedAt && neverLifted) broken('ownRefusal', subject);
        if (token?.refused.has(subject) === true && neverLifted) broken('revisionRefused', subject);
        const restrictedFrom = token?.restricted.get(subject);
        if (restrictedFrom !== undefined && liftedUntil <= restrictedFrom)
          broken('revisionRestricted', subject);
      }
    }
    if (record.verdict === 'REFUSE' && record.refusedFor !== undefined) {
      const subject = record.refusedFor;
      const { restricted, effective } = commands.get(subject) ?? NO_COMMANDS;
      const restrictedUntil = restricted.latestBefore(returnedAt);
      if (restrictedUntil === NEVER) broken('neverRestricted', subject);
      const widenedFrom = effective.latestBefore(invokedAt);
      if (widenedFrom > NEVER && restrictedUntil <= widenedFrom) broken('widened', subject);
      const tokenFrom = token?.widened.get(subject);
      if (tokenFrom !== undefined && restrictedUntil <= tokenFrom) broken('revisionWidened', subject);
    }
  }
  return violations;
}

const NEVER = Number.NEGATIVE_INFINITY;
const ALWAYS = Number.POSITIVE_INFINITY;

/** Pairs of times, asked for the latest second one of all whose first is before some time. */
class Times {
  private readonly pairs: [at: number, value: number][] = [];
  private sorted = true;

  add(at: number | undefined, value: number): void {
    if (at === undefined) return;
    this.pairs.push([at, value]);
    this.sorted = false;
  }

  get earliest(): number {
    this.sort();
    return this.pairs[0]?.[0] ?? ALWAYS;
  }

  latestBefore(time: number): number {
    this.sort();
    let [from, to] = [0, this.pairs.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.pairs[middle] as [number, number])[0] < time) from = middle + 1;
      else to = middle;
    }
    return this.pairs[from - 1]?.[1] ?? NEVER;
  }

  /** By the first; the second becomes the latest of all up to there. */
  private sort(): void {
    if (this.sorted) return;
    this.sorted = true;
    this.pairs.sort(([a], [b]) => a - b);
    let latest = NEVER;
    for (const pair of this.pairs) {
      latest = Math.max(latest, pair[1]);
      pair[1] = latest;
    }
  }
}

/** The commands on one subject. */
class Commands {
  /** From when each may have held → when the command was certainly over. */
  readonly restricted = new Times();
  readonly widened = new Times();
  /** From when each must hold → when it was asked for. */
  readonly enforced = new Times();
  readonly effective = new Times();
}

const NO_COMMANDS = new Commands();

function commandsBySubject(records: readonly HistoryRecord[]): Map<string, Commands> {
  const bySubject = new Map<string, Commands>();
  for (const record of records) {
    if (record.type === 'verify') continue;
    const commands = entryOf(bySubject, record.subject, () => new Commands());
    const over = record.committedAt ?? ALWAYS;
    if (record.type === 'restrict') {
      commands.restricted.add(record.invokedAt, over);
      commands.enforced.add(record.enforcedAt, record.invokedAt);
    } else {
      commands.widened.add(record.invokedAt, over);
      commands.effective.add(record.effectiveAt, record.invokedAt);
    }
  }
  return bySubject;
}

/** What a token stands for. */
interface Token {
  /** Subject → when the command was asked for. */
  restricted: Map<string, number>;
  widened: Map<string, number>;
  refused: Set<string>;
}

/** What answers said that later ones must agree with. */
function claimsOf(records: readonly HistoryRecord[]) {
  const asked = new Set<string>();
  for (const record of records)
    if (record.type === 'verify' && record.atLeast !== undefined) asked.add(record.atLeast);
  /** Memory → subject → when its first refusal was given. */
  const refusedByMemory = new Map<string, Map<string, number>>();
  const tokens = new Map<string, Token>();
  for (const record of records) {
    const token =
      record.revision !== undefined && asked.has(record.revision)
        ? entryOf(tokens, record.revision, newToken)
        : undefined;
    if (record.type === 'restrict') token?.restricted.set(record.subject, record.invokedAt);
    if (record.type === 'widen') token?.widened.set(record.subject, record.invokedAt);
    if (record.type !== 'verify' || record.verdict !== 'REFUSE' || record.refusedFor === undefined) continue;
    token?.refused.add(record.refusedFor);
    const first = entryOf(refusedByMemory, record.incarnation, () => new Map<string, number>());
    first.set(record.refusedFor, Math.min(first.get(record.refusedFor) ?? ALWAYS, record.returnedAt));
  }
  return { refusedByMemory, tokens };
}

function newToken(): Token {
  return { restricted: new Map(), widened: new Map(), refused: new Set() };
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
