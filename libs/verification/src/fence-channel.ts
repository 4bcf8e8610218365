import type { FenceEntry, Grant, Registration } from '#libs/fence';

/** An incarnation of a verifier, as the authority knows it. */
export interface Incarnation {
  verifierId: string;
  /** A UUID of its own. */
  incarnation: string;
}

/** A grant, with how many verifiers there are: registered and not given up. */
export type CountedGrant = Grant & { liveVerifiers: number };

/** Told of what the authority pushes. */
export interface PushListener {
  onPush(epoch: string, entries: readonly FenceEntry[]): void;
  /** Nothing is pushed any more; told once, unless it was closed here. */
  onEnd(error: unknown): void;
}

/** Pushes while they last. */
export interface FencePushStream {
  /** Every entry up to here is applied. */
  acknowledge(applied: number): void;
  close(): void;
}

/** The authority's fence as a verifier reaches it. Every question rejects when it isn't answered in time. */
export abstract class FenceChannel {
  /** Makes the incarnation known: from then on restrictions wait for it. */
  abstract register(
    incarnation: Incarnation,
    terms: { profiles: readonly string[]; serveStaleMs: number },
  ): Promise<Registration>;

  /** Asks for what was fenced after `applied`, and a lease; waits no longer than `deadlineMs`. */
  abstract renew(incarnation: Incarnation, applied: number, deadlineMs: number): Promise<CountedGrant>;

  /** Has entries after `applied` pushed as they are committed. */
  abstract watch(incarnation: Incarnation, applied: number, listener: PushListener): FencePushStream;

  /** The incarnation answers no more: nothing waits for it any longer. */
  abstract deregister(incarnation: Incarnation): Promise<void>;

  abstract close(): void;
}
