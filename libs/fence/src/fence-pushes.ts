import type { FenceEntry } from './fence-entry.js';

/** Entries to send to one watcher. */
export interface Push {
  watcher: string;
  entries: readonly FenceEntry[];
}

interface Watcher {
  acked: number;
  sent: number;
  sentAtMs: number;
  resendMs: number;
}

/** An entry that is not acknowledged is sent again after so long, then after twice as long each time. */
const RESEND_MS = 50;
const RESEND_MS_MAX = 1000;

/** A watcher that is further behind catches up by its next renewal. */
const RECENT_ENTRIES_MAX = 1000;

/**
 * Decides what to push to the verifiers that watch one replica of the authority, without clock or transport. Pushing
 * makes a restriction known in milliseconds; nothing depends on a push arriving.
 */
export class FencePushes {
  private readonly watchers = new Map<string, Watcher>();
  /** By seq, without gaps. */
  private recent: FenceEntry[] = [];

  /** Begins to push to a watcher: one stream, by a name of its own, so that the end of an earlier one does not end it. */
  watch(watcher: string, applied: number, nowMs: number): Push[] {
    const state = { acked: applied, sent: applied, sentAtMs: nowMs, resendMs: RESEND_MS };
    this.watchers.set(watcher, state);
    return this.send(watcher, state, nowMs);
  }

  unwatch(watcher: string): void {
    this.watchers.delete(watcher);
  }

  get watcherCount(): number {
    return this.watchers.size;
  }

  acknowledged(watcher: string, applied: number): void {
    const state = this.watchers.get(watcher);
    if (state === undefined || applied <= state.acked) return;
    state.acked = applied;
    state.sent = Math.max(state.sent, applied);
    state.resendMs = RESEND_MS;
  }

  /** New entries of the log, by seq, beginning where the last ones ended. */
  committed(entries: readonly FenceEntry[], nowMs: number): Push[] {
    const [first] = entries;
    if (first === undefined) return [];
    const follows = this.recent.at(-1)?.seq === first.seq - 1;
    this.recent = (follows ? [...this.recent, ...entries] : [...entries]).slice(-RECENT_ENTRIES_MAX);
    return [...this.watchers].flatMap(([watcher, state]) => this.send(watcher, state, nowMs));
  }

  /** Whether anything waits for an acknowledgement, so that {@link resend} is worth calling. */
  get hasUnacknowledged(): boolean {
    return [...this.watchers.values()].some(({ acked, sent }) => acked < sent);
  }

  resend(nowMs: number): Push[] {
    return [...this.watchers].flatMap(([watcher, state]) => {
      if (state.acked >= state.sent || nowMs - state.sentAtMs < state.resendMs) return [];
      state.sent = state.acked;
      state.resendMs = Math.min(state.resendMs * 2, RESEND_MS_MAX);
      return this.send(watcher, state, nowMs);
    });
  }

  private send(watcher: string, state: Watcher, nowMs: number): Push[] {
    const entries = this.recent.filter(({ seq }) => seq > state.sent);
    if (entries.length === 0) return [];
    state.sent = (entries.at(-1) as FenceEntry).seq;
    state.sentAtMs = nowMs;
    return [{ watcher, entries }];
  }
}
