import type { Transaction } from '#libs/event-store';
import { type FenceEntry, type FenceKind, outlivesMs, partsOfSubject } from '#libs/fence';
import { Rejection } from '#libs/contracts';
import type { FenceStanding } from './fence-ledger.js';

/** Wakes the replicas: `commit` when the log got longer, `ack` when verifiers acknowledged. */
export const FENCE_CHANNEL = 'latchkey_fence';

/** Orders grants and restrictions: shared by those, exclusive for these. */
const FENCE_LOCK = `hashtext('latchkey fence')`;

/** Who holds the lock is bounded in what it waits for: one idle holder would end every lease. */
const BOUNDS = `set_config('lock_timeout', '500ms', true), set_config('statement_timeout', '1s', true),
   set_config('idle_in_transaction_session_timeout', '1s', true)`;

/** A statement of its own, before the one that reads what it protects: in one, that would read an older snapshot. */
export function lockFence(transaction: Transaction, mode: 'shared' | 'exclusive'): Promise<unknown> {
  const lock = mode === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock';
  return transaction.query(`select ${BOUNDS}, ${lock}(${FENCE_LOCK})`);
}

export interface StandingRow {
  epoch: string;
  head: string;
  lease_ms: number;
  serve_stale_max_ms: number;
  settled: boolean | null;
  settle_ms: number | null;
}

/** One row: the columns of a {@link StandingRow}. */
export const STANDING = `(
  select current.epoch, head, lease_ms, serve_stale_max_ms, settled, settle_ms
  from keys.fence_head
    cross join lateral (select keys.fence_epoch(epoch_counter) as epoch) as current
    left join keys.fence_epochs on fence_epochs.epoch = current.epoch) as standing`;

export async function selectStanding(transaction: Transaction): Promise<FenceStanding> {
  const [row] = (await transaction.query(`select * from ${STANDING}`)) as StandingRow[];
  return standingOf(row as StandingRow);
}

export function standingOf(row: StandingRow): FenceStanding {
  const { lease_ms: leaseMs, serve_stale_max_ms: serveStaleMaxMs, settled, settle_ms: settleMs } = row;
  const ownMs = outlivesMs({ leaseMs, serveStaleMs: serveStaleMaxMs });
  return {
    epoch: row.epoch,
    head: Number(row.head),
    leaseMs,
    serveStaleMaxMs,
    settled: settled === true,
    boundMs: settled === true ? ownMs : Math.max(ownMs, settleMs ?? 0),
    isOpen: settled !== null,
  };
}

export function refuseUnopened({ isOpen }: FenceStanding): void {
  if (!isOpen) throw new Rejection('UNAVAILABLE', [], 1);
}

/** Whose verifiers an entry concerns; null: all. */
export function profileOf({ subject, profile }: Pick<FenceEntry, 'subject' | 'profile'>): string | null {
  return partsOfSubject(subject).noun === 'tenant' ? null : profile;
}

interface EntryRow {
  seq: string;
  kind: FenceKind;
  subject: string;
  floor_version: string;
  terminal: boolean;
  profile: string;
}

/** The entries after one, by seq. */
export async function selectEntries(
  transaction: Transaction,
  after: number,
  limit: number,
): Promise<FenceEntry[]> {
  const rows = (await transaction.query(
    `select seq, kind, subject, floor_version, terminal, profile from keys.fence_log
     where seq > $1 order by seq limit $2`,
    [after, limit],
  )) as EntryRow[];
  // Member by member: copying the rest of each costs more than reading them, and there may be a million.
  return rows.map(({ seq, kind, subject, floor_version, terminal, profile }) => ({
    seq: Number(seq),
    kind,
    subject,
    floorVersion: Number(floor_version),
    terminal,
    profile,
  }));
}
