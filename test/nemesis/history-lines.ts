import type { Fault } from './fault-plan.js';

/**
 * What happened in a run, one JSON object a line, written as it happens. All times are milliseconds since the run
 * began, by the monotonic clock of the one process that writes them.
 */
export type HistoryLine =
  | RunLine
  | UnderLoadLine
  | VerifyLine
  | InvokeLine
  | ReturnLine
  | FaultLine
  | WrongLine
  | EndLine;

/** The first line. */
export interface RunLine {
  readonly type: 'run';
  readonly seed: number;
  readonly leaseMs: number;
  readonly serveStaleMs: number;
  readonly verifiers: readonly string[];
  /** Wall time, ISO 8601, for people. */
  readonly startedAt: string;
}

/** All tenants and keys are made: from here on there is load. */
export interface UnderLoadLine {
  readonly type: 'underLoad';
  readonly at: number;
}

/** One secret shown to one verifier. */
export interface VerifyLine {
  readonly type: 'verify';
  readonly verifier: string;
  /** Of the process that answered. */
  readonly incarnation: string;
  readonly from: number;
  readonly to: number;
  readonly keyId: string;
  readonly tenantId: string;
  readonly generation: number;
  /** The scope that was asked for, if one was. */
  readonly scope?: string;
  /** A verdict's name; or why there was none: a rejection's code, or a gRPC status. */
  readonly answer: string;
  readonly atLeast?: string;
  readonly revision?: string;
}

/** A command is asked for; it has an effect on a subject of the history checker's, or none that matters to it. */
export interface InvokeLine {
  readonly type: 'invoke';
  readonly id: number;
  readonly at: number;
  readonly command: string;
  readonly effect: 'restrict' | 'widen' | 'none';
  readonly subject: string;
}

/** A command is answered. One that has no such line may have been done, at any time, or not. */
export interface ReturnLine {
  readonly type: 'return';
  readonly id: number;
  readonly committedAt: number;
  readonly enforcedAt?: number;
  /** `acks` or `leaseExpiry`, as it was answered. */
  readonly via?: string;
  readonly revision?: string;
  /** How often it was asked for. */
  readonly attempts: number;
}

export interface FaultLine {
  readonly type: 'fault';
  readonly from: number;
  readonly to: number;
  readonly fault: Fault;
  /** What the fault was meant to hit did not come. */
  readonly missed?: true;
}

/** Something that no fault may cause, and that is none of the checker's rules. */
export interface WrongLine {
  readonly type: 'wrong';
  readonly at: number;
  readonly what: string;
}

/** The last line of a run that was not broken off. */
export interface EndLine {
  readonly type: 'end';
  readonly at: number;
}
