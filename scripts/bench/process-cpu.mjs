/** CPU time of running processes, as Linux accounts it: in ticks of 10 ms, so what is measured lasts seconds. */
import { readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

/** User and system time of a process and its threads so far, milliseconds. */
export function cpuMsOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name before it may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

/** Runs `work` and adds to its result how much CPU time the process took meanwhile. */
export async function withCpu(pid, work) {
  const beforeMs = cpuMsOf(pid);
  const result = await work();
  return { ...result, cpuMs: cpuMsOf(pid) - beforeMs };
}
