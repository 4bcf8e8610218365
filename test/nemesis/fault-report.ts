import type { FenceTerms } from '#libs/fence';
import type { FaultKind } from './fault-plan.js';
import type { FaultSummary } from './fault-summary.js';

const FAULTS: Readonly<Record<FaultKind, string>> = {
  pause: 'a verifier or a replica of the authority paused (SIGSTOP, SIGCONT)',
  partition: 'a verifier cut off from the authority, one way or both, with loss or with late delivery',
  kill: 'a verifier, a replica of the authority or usage killed (SIGKILL) and started again',
  killBeforeReply: 'a replica of the authority killed between commit and reply',
  flushRedis: 'Redis emptied (FLUSHALL)',
  restartRedis: 'Redis killed and started empty',
  stopKafka: 'Kafka stopped and started',
  restartPostgres: 'PostgreSQL stopped and started',
  rollingRestart: 'rolling restart of all processes',
};

const VIA: Readonly<Record<string, string>> = {
  acks: 'every verifier acknowledged',
  leaseExpiry: 'a lease had to end',
  unsaid: 'not said how',
};

const EXAMPLES_MAX = 20;

/** The report as a Markdown document: it is printed, and kept as docs/fault-report.md. */
export function faultReportOf(
  summary: FaultSummary,
  { command, date }: { command: string; date: string },
): string {
  const { runs, brokenOff, minutes, seeds, terms, verifications, violations, wrong } = summary;
  const verified = sum(verifications.values());
  const given = sum([...summary.commands.values()].map((counts) => counts.given));
  const revokes = summary.commands.get('revoke')?.answered ?? 0;
  const faults = sum(summary.faults.values());
  return `# Fault report

\`${command}\` makes this file, of ${counted(runs, 'run')} with the ${runs === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}${
    brokenOff === 0 ? '' : ` (${brokenOff} broken off)`
  }, the last on ${date}: two replicas of key-management, two auth-verifiers, an api that verifies in its own
process and usage, on a real PostgreSQL, Kafka and Redis, under load while the faults below came; leases of ${terms.map(textOf).join('; ')}. The
whole history of each run was kept and held against the rules of \`libs/fence/src/history/check-history.ts\`.

**${numberOf(minutes)} minutes, ${numberOf(verified + given)} operations, ${numberOf(revokes)} revokes, ${numberOf(faults)} faults, ${counted(violations.length, 'violation')}.**

## Violations

${violationsOf(violations)}
${wrong.length === 0 ? 'Nothing else was wrong: no command failed, no process ended by itself, all recovered in the end.' : `Also wrong:\n\n${wrong.map((what) => `* ${what}`).join('\n')}`}

## Faults

${table(
  ['fault', 'times'],
  [...summary.faults].map(([kind, count]) => [FAULTS[kind], numberOf(count)]),
)}

## From asking for a restriction to \`enforced\`

First attempts that were answered, through all faults.

${table(
  ['', 'count', 'p50 ms', 'p99 ms', 'max ms'],
  [...summary.enforcedMs].map(([via, times]) => timesRowOf(VIA[via] ?? via, times)),
)}

## Operations

${table(
  ['verification answered', 'count'],
  [...verifications].sort(([, a], [, b]) => b - a).map(([answer, count]) => [answer, numberOf(count)]),
)}

${table(
  ['command', 'given', 'answered'],
  [...summary.commands].map(([name, counts]) => [name, numberOf(counts.given), numberOf(counts.answered)]),
)}
`;
}

function textOf({ leaseMs, serveStaleMs }: FenceTerms): string {
  const stale = serveStaleMs === 0 ? '' : ` and up to ${serveStaleMs / 1000} s of degraded answers beyond`;
  return `${leaseMs / 1000} s${stale}`;
}

function violationsOf(violations: FaultSummary['violations']): string {
  if (violations.length === 0) return 'None.\n';
  const byRule = new Map<string, number>();
  for (const { rule, says } of violations) {
    const name = `rule ${rule}: ${says}`;
    byRule.set(name, (byRule.get(name) ?? 0) + 1);
  }
  const examples = violations.slice(0, EXAMPLES_MAX).map(({ rule, subject, record }) => {
    const { verifier, verdict, invokedAt, returnedAt } = record;
    return `* rule ${rule}: ${subject}, ${verdict} by ${verifier}, ${invokedAt} to ${returnedAt} ms`;
  });
  const counts = table(
    ['', 'count'],
    [...byRule].map(([name, count]) => [name, numberOf(count)]),
  );
  return `${counts}\n\n${examples.join('\n')}\n`;
}

function timesRowOf(what: string, times: readonly number[]): string[] {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    numberOf(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return [what, numberOf(sorted.length), at(0.5), at(0.99), at(1)];
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

function counted(count: number, noun: string): string {
  return `${numberOf(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function numberOf(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 1 : 0 });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
