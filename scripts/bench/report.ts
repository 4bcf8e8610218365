import { type Bar, judge, type Spread } from './statistics.js';

/** Where and how the figures were made. */
export interface Setting {
  cpu: string;
  cores: number;
  memoryGiB: number;
  os: string;
  node: string;
  servers: string;
  /** Load average of the minute before: other work on the machine shows in the figures. */
  loadBefore: number;
  /** ISO 8601 date. */
  date: string;
  command: string;
  rounds: number;
  seconds: number;
}

/** Calls of one kind at one number in flight. */
export interface CallFigures {
  what: string;
  inFlight: number;
  /** Server CPU, user and system, by call or by key. */
  cpuMicros: Spread;
  /** By call or by key. */
  perSecond: Spread;
  p50Ms: Spread;
  p99Ms: Spread;
}

/** A figure that is held to a bar. */
export interface BarredFigure {
  bar: string;
  what: string;
  spread: Spread;
  limits: Bar;
}

/** A figure that is reported alone. */
export interface PlainFigure {
  what: string;
  spread: Spread;
  unit: string;
}

export interface Report {
  setting: Setting;
  calls: CallFigures[];
  barred: BarredFigure[];
  plain: PlainFigure[];
}

const JUDGEMENTS = { held: 'holds', partly: 'holds (not in every round)', missed: 'MISSED' } as const;

/** The figures as a Markdown document: it is printed, and kept as docs/benchmarks.md. */
export function markdownOf({ setting, calls, barred, plain }: Report): string {
  const { cpu, cores, memoryGiB, os, node, servers, loadBefore, date, command, rounds, seconds } = setting;
  return `# Benchmarks

\`${command}\` makes this file. Made on ${date} in ${Math.round(seconds)} s, everything on one machine over loopback:
${cpu}, ${cores} cores, ${memoryGiB} GiB; ${os}, Node ${node}; ${servers}. The machine's load average was ${numberOf(loadBefore)}
before it began.

Figures are the median of ${counted(rounds)} with the lowest and highest in brackets; what is compared was
measured in turn within each round, and quotients are made within each round. A bar is missed only when the whole range
is over it.

## Bars

${table(['', 'figure', 'bar', 'measured', ''], barred.map(rowOfBar))}

*A rate limit* is one demand that is admitted, on one of 100 subjects through the Redis adapter. *GET* reads 40 bytes
through ioredis with the same settings, from the same process and Redis, in turn with it. Demands of one turn of the
event loop share a script call; in a Redis Cluster, which is not measured here, each is a call of its own.

*The api's hooks* verify, count, name the limit and keep to the product, on a verifier that answers at once; the *bare route*
is the same Nest and Fastify route without them.

*A page* is 100 of 1,000,000 documents of one tenant, read through the adapter that api uses, newest first: the time of its one
statement with the way to PostgreSQL and back. *In the oldest version* is the same list of 100 connections of the profile
syntropy over HTTP, brought back over two versions with four changes, on a store that answers at once.

## Calls

Server CPU is user + system time of the server's process from \`/proc\`; the client is a process of its own, the same for
all. *echo* is a bare @grpc/grpc-js server that loads the same proto and answers every \`Verify\` with one constant
\`VerifyResponse\`. *Verify* is auth-verifier as it is deployed, over 1,000 keys of 16 tenants: from its near cache,
or with one of 32 records, which holds the tenants, so that Redis is asked for the key on every call. *VerifyBatch* has 100 keys, usage off; CPU and rate are by key, times by call.

${table(
  ['', 'in flight', 'server CPU µs', 'per second', 'p50 ms', 'p99 ms'],
  calls.map((call) => [
    call.what,
    String(call.inFlight),
    textOf(call.cpuMicros),
    textOf(call.perSecond),
    textOf(call.p50Ms),
    textOf(call.p99Ms),
  ]),
)}

## Writing, counting, and how soon a change is seen

*create, bare pg* is a \`pg\` pool of 64 connections whose every create is begin, one insert of the event, one of key and
secret, commit, of the rows that Latchkey's own create makes; it holds no rule, so it is the least that a
straightforward implementation would cost. *create, in process* is key-management's command on its event store, without
a transport. *seen* is the time from the answer to the change until a verifier that is asked without pause answers so.
*refusal* is at the public API, each key shown once: the api answers none sooner than 25 ms after the request, so that it does
not tell a key that was from one that never was; of pairs of them, half should be refused later.

${table(
  ['', 'measured', 'unit'],
  plain.map(({ what, spread, unit }) => [what, textOf(spread), unit]),
)}
`;
}

function rowOfBar({ bar, what, spread, limits }: BarredFigure): string[] {
  const { atMost, atLeast } = limits;
  const limit = atMost === undefined ? `≥ ${numberOf(atLeast ?? 0)}` : `≤ ${numberOf(atMost)}`;
  return [bar, what, limit, textOf(spread), JUDGEMENTS[judge(spread, limits)]];
}

function counted(rounds: number): string {
  return rounds === 1 ? 'one round' : `${rounds} interleaved rounds`;
}

function textOf({ median, min, max }: Spread): string {
  return `${numberOf(median)} (${numberOf(min)}–${numberOf(max)})`;
}

/** Three significant digits are all that such figures bear. */
function numberOf(value: number): string {
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: digits });
}

/** Padded, so that it reads as well in a terminal. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
