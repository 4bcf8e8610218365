import type { HistoryRecord, VerifyRecord } from '#libs/fence/history/check-history';
import { outlivesMs } from '#libs/fence';
import type { HistoryLine, InvokeLine, ReturnLine, RunLine, VerifyLine } from './history-lines.js';

/** What each answer calls restricted; every other verdict but VALID is held to be wrong about a key that exists. */
const REFUSED_FOR: Readonly<Record<string, (line: VerifyLine) => string>> = {
  REVOKED: ({ keyId }) => subjectOfKey(keyId),
  TENANT_SUSPENDED: ({ tenantId }) => subjectOfTenant(tenantId),
  SECRET_RETIRED: ({ keyId, generation }) => subjectOfSecret(keyId, generation),
  INSUFFICIENT_SCOPE: ({ keyId, scope = '' }) => subjectOfScope(keyId, scope),
  // Nobody ever asks for these, so the checker reports them as refusals that have no reason.
  NOT_FOUND: ({ keyId }) => `${subjectOfKey(keyId)} NOT_FOUND`,
  MALFORMED: ({ keyId }) => `${subjectOfKey(keyId)} MALFORMED`,
  EXPIRED: ({ keyId }) => `${subjectOfKey(keyId)} EXPIRED`,
  RATE_LIMITED: ({ keyId }) => `${subjectOfKey(keyId)} RATE_LIMITED`,
};

export function subjectOfKey(keyId: string): string {
  return `key-${keyId}`;
}

export function subjectOfTenant(tenantId: string): string {
  return `tenant-${tenantId}`;
}

export function subjectOfSecret(keyId: string, generation: number): string {
  return `secret-${keyId} ${generation}`;
}

export function subjectOfScope(keyId: string, scope: string): string {
  return `key-${keyId} ${scope}`;
}

/** A run's lines as the history checker takes them. */
export function recordsOf(lines: readonly HistoryLine[]): HistoryRecord[] {
  const run = lines[0];
  if (run?.type !== 'run') throw new Error('a history begins with its run');
  const returns = new Map<number, ReturnLine>();
  for (const line of lines) if (line.type === 'return') returns.set(line.id, line);
  const subjects = new SharedSubjects();
  return lines.flatMap((line) => {
    if (line.type === 'verify') return [verifyRecordOf(line, subjects)];
    if (line.type === 'invoke') return commandRecordOf(line, returns.get(line.id), run);
    return [];
  });
}

function commandRecordOf(line: InvokeLine, answer: ReturnLine | undefined, run: RunLine): HistoryRecord[] {
  const { effect, subject, at: invokedAt } = line;
  if (effect === 'none') return [];
  const { committedAt, enforcedAt, revision } = answer ?? {};
  const common = {
    subject,
    invokedAt,
    ...(committedAt !== undefined && { committedAt }),
    ...(revision !== undefined && { revision }),
  };
  if (effect === 'restrict')
    return [{ type: 'restrict', ...common, ...(enforcedAt !== undefined && { enforcedAt }) }];
  // Whoever answers does so by a lease that is younger than this, and was told of the change with it.
  const effectiveAt = committedAt === undefined ? undefined : committedAt + outlivesMs(run);
  return [{ type: 'widen', ...common, ...(effectiveAt !== undefined && { effectiveAt }) }];
}

function verifyRecordOf(line: VerifyLine, subjects: SharedSubjects): VerifyRecord {
  const { verifier, incarnation, from, to, answer, atLeast, revision } = line;
  const refusedFor = REFUSED_FOR[answer]?.(line);
  return {
    type: 'verify',
    verifier,
    incarnation,
    invokedAt: from,
    returnedAt: to,
    verdict: answer === 'VALID' ? 'ALLOW' : refusedFor === undefined ? 'NONE' : 'REFUSE',
    subjects: subjects.of(line),
    ...(refusedFor !== undefined && { refusedFor }),
    ...(atLeast !== undefined && { atLeast }),
    ...(revision !== undefined && { revision }),
  };
}

/** A long run verifies the same few secrets very often: their subjects are kept once. */
class SharedSubjects {
  private readonly known = new Map<string, readonly string[]>();

  of({ keyId, tenantId, generation, scope }: VerifyLine): readonly string[] {
    const id = `${keyId} ${generation} ${scope ?? ''}`;
    const known = this.known.get(id);
    if (known !== undefined) return known;
    const made = [
      subjectOfKey(keyId),
      subjectOfTenant(tenantId),
      subjectOfSecret(keyId, generation),
      ...(scope === undefined ? [] : [subjectOfScope(keyId, scope)]),
    ];
    this.known.set(id, made);
    return made;
  }
}
