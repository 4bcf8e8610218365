import { isAuthenticated, isCounted, OUTCOMES, type RequestEvent } from '#libs/contracts';
import type { Run } from './sequence-admission.js';

/** An event, or undefined for one of another form: it has its sequence, but can't be counted. */
export type ArrivedEvent = RequestEvent | undefined;

export interface ArrivedRun extends Run<ArrivedEvent> {
  incarnation: string;
}

/** What a message says. `problem` tells what can't be counted of it; without a run that is all of it. */
export interface ReadMessage {
  run?: ArrivedRun;
  problem?: string;
}

/**
 * Reads the value of a message of `latchkey.requests.v1`. An event of another form takes its sequence nevertheless:
 * otherwise all that its reporter sends later would wait for an event that never comes.
 */
export function readRequestMessage(value: Buffer): ReadMessage {
  let batch: unknown;
  try {
    batch = JSON.parse(value.toString());
  } catch {
    return { problem: 'the message is not JSON' };
  }
  if (!isObject(batch)) return { problem: 'the message is not a JSON object' };
  const { incarnation, firstSequence, events } = batch;
  if (typeof incarnation !== 'string' || !UUID.test(incarnation))
    return { problem: 'incarnation is not a UUID' };
  if (!isIntegerIn(firstSequence, 1, SEQUENCE_MAX)) return { problem: 'firstSequence is not a sequence' };
  if (!Array.isArray(events) || events.length === 0) return { problem: 'events is not a list of events' };
  const problems: string[] = [];
  const arrived = events.map((event: unknown, index): ArrivedEvent => {
    const problem = problemOfEvent(event);
    if (problem === undefined) return event as RequestEvent;
    problems.push(`event ${firstSequence + index}: ${problem}`);
    return undefined;
  });
  const run = { incarnation: incarnation.toLowerCase(), firstSequence, events: arrived };
  if (problems.length === 0) return { run };
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX).join('; ');
  return { run, problem: problems.length > PROBLEMS_SHOWN_MAX ? `${shown}; …` : shown };
}

/** An event that was parked, as text: `null` for one of another form. */
export function readParkedEvent(text: string): ArrivedEvent {
  return (JSON.parse(text) as RequestEvent | null) ?? undefined;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const SEQUENCE_MAX = 2 ** 48;
const PROBLEMS_SHOWN_MAX = 5;
const TENANT_ID = /^[a-z0-9][a-z0-9_-]{0,62}$/;
/** Printable ASCII: a zero byte, say, would be refused by the database at every attempt. */
const ID = /^[\x21-\x7e]{1,200}$/;
const OUTCOMES_COUNTED: ReadonlySet<unknown> = new Set(OUTCOMES.filter(isCounted));
/** The years from 2020 to 2100: a time in other units than milliseconds is not among them. */
const OCCURRED_AT_MS = { min: 1_577_836_800_000, max: 4_102_444_800_000 };

/** What is wrong with the fields that counting needs; undefined when nothing is. */
function problemOfEvent(event: unknown): string | undefined {
  if (!isObject(event)) return 'it is not an object';
  const { requestId, tenantId, keyId, outcome, status, occurredAtMs, reported } = event;
  if (typeof requestId !== 'string' || !ID.test(requestId)) return 'requestId is not an id';
  if (typeof tenantId !== 'string' || !TENANT_ID.test(tenantId)) return 'tenantId is not an id';
  if (typeof keyId !== 'string' || !ID.test(keyId)) return 'keyId is not an id';
  if (!OUTCOMES_COUNTED.has(outcome)) return 'outcome is not one that is counted';
  if (status !== null && !isIntegerIn(status, 100, 999)) return 'status is not an HTTP status';
  if (!isIntegerIn(occurredAtMs, OCCURRED_AT_MS.min, OCCURRED_AT_MS.max)) {
    return 'occurredAtMs is not a time in milliseconds';
  }
  return typeof reported === 'boolean' ? undefined : 'reported is not a boolean';
}

/** The request was used: its final status is below 400, or it was VALID where no status is known. */
export function isUse({ status, outcome }: RequestEvent): boolean {
  return status === null ? outcome === 'VALID' : status < 400;
}

/** The request named a live key. */
export function namesLiveKey({ outcome }: RequestEvent): boolean {
  return isAuthenticated(outcome);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isIntegerIn(value: unknown, min: number, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}
