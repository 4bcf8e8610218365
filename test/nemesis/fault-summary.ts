import type { FenceTerms } from '#libs/fence';
import { checkHistory, type Violation } from '#libs/fence/history/check-history';
import { FAULT_KINDS, type FaultKind } from './fault-plan.js';
import type { HistoryLine, InvokeLine } from './history-lines.js';
import { recordsOf } from './history-records.js';

/** What one run, or several, came to. */
export interface FaultSummary {
  runs: number;
  /** Without their last line: they were broken off, and count as far as they came. */
  brokenOff: number;
  seeds: number[];
  terms: FenceTerms[];
  /** Under load. */
  minutes: number;
  /** By what was answered: verdicts and reasons why there was none. */
  verifications: Map<string, number>;
  /** Given, and answered as done. */
  commands: Map<string, { given: number; answered: number }>;
  faults: Map<FaultKind, number>;
  /** From asking for a restriction to `enforced`, milliseconds, by how it came about; first attempts alone. */
  enforcedMs: Map<string, number[]>;
  violations: Violation[];
  wrong: string[];
}

export function emptySummary(): FaultSummary {
  return {
    runs: 0,
    brokenOff: 0,
    seeds: [],
    terms: [],
    minutes: 0,
    verifications: new Map(),
    commands: new Map(),
    faults: new Map(FAULT_KINDS.map((kind) => [kind, 0])),
    enforcedMs: new Map(),
    violations: [],
    wrong: [],
  };
}

/** Adds a run's lines, and what the checker finds in them, to `summary`. */
export function addRun(summary: FaultSummary, lines: readonly HistoryLine[]): void {
  summary.runs += 1;
  if (lines.at(-1)?.type !== 'end') summary.brokenOff += 1;
  const invoked = new Map<number, InvokeLine>();
  let [underLoadAt, lastAt] = [0, 0];
  for (const line of lines) {
    lastAt = Math.max(lastAt, lastTimeOf(line));
    switch (line.type) {
      case 'run':
        summary.seeds.push(line.seed);
        addTerms(summary.terms, line);
        break;
      case 'underLoad':
        underLoadAt = line.at;
        break;
      case 'verify':
        summary.verifications.set(line.answer, (summary.verifications.get(line.answer) ?? 0) + 1);
        break;
      case 'invoke':
        invoked.set(line.id, line);
        commandsOf(summary, line.command).given += 1;
        break;
      case 'return': {
        const asked = invoked.get(line.id) as InvokeLine;
        commandsOf(summary, asked.command).answered += 1;
        if (line.enforcedAt !== undefined && line.attempts === 1) {
          const via = line.via ?? 'unsaid';
          const times = summary.enforcedMs.get(via) ?? [];
          summary.enforcedMs.set(via, times);
          times.push(line.enforcedAt - asked.at);
        }
        break;
      }
      case 'fault':
        if (!line.missed) summary.faults.set(line.fault.kind, (summary.faults.get(line.fault.kind) ?? 0) + 1);
        break;
      case 'wrong':
        summary.wrong.push(line.what);
        break;
      case 'end':
        break;
      default:
        line satisfies never;
    }
  }
  summary.minutes += (lastAt - underLoadAt) / 60_000;
  summary.violations.push(...checkHistory(recordsOf(lines)));
}

function addTerms(terms: FenceTerms[], { leaseMs, serveStaleMs }: FenceTerms): void {
  if (terms.some((known) => known.leaseMs === leaseMs && known.serveStaleMs === serveStaleMs)) return;
  terms.push({ leaseMs, serveStaleMs });
}

function commandsOf({ commands }: FaultSummary, command: string): { given: number; answered: number } {
  const known = commands.get(command) ?? { given: 0, answered: 0 };
  commands.set(command, known);
  return known;
}

function lastTimeOf(line: HistoryLine): number {
  switch (line.type) {
    case 'run':
      return 0;
    case 'verify':
    case 'fault':
      return line.to;
    case 'return':
      return line.enforcedAt ?? line.committedAt;
    case 'invoke':
    case 'underLoad':
    case 'wrong':
    case 'end':
      return line.at;
    default:
      return line satisfies never;
  }
}
