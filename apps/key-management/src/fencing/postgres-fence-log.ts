import { type Append, CommitLog, type Transaction } from '#libs/event-store';
import type { Projected } from '../read-model/projected.js';
import type { FenceReceipt } from './fence-ledger.js';
import {
  FENCE_CHANNEL,
  lockFence,
  profileOf,
  STANDING,
  standingOf,
  type StandingRow,
} from './postgres-fence-rows.js';

/**
 * Writes the fence entries of appends under the fence lock, exclusive, which is held until the commit: whoever gets a
 * lease later is told of them, whoever got one before is waited for. Appends without entries don't take it.
 */
export class PostgresFenceLog extends CommitLog<Projected, FenceReceipt> {
  async write(
    transaction: Transaction,
    appends: readonly Append<Projected>[],
  ): Promise<(FenceReceipt | undefined)[]> {
    const changes = appends.flatMap(({ projected: { fence } }) => fence ?? []);
    if (changes.length === 0) return [];
    await lockFence(transaction, 'exclusive');
    const [row] = (await transaction.query(
      `with added as (
         insert into keys.fence_log (seq, kind, subject, floor_version, terminal, profile)
         select head + ordinal, kind, subject, floor_version, terminal, profile
         from keys.fence_head, unnest($1::text[], $2::text[], $3::bigint[], $4::boolean[], $5::text[])
           with ordinality as new (kind, subject, floor_version, terminal, profile, ordinal)
       ), raised as (update keys.fence_head set head = head + $6)
       select standing.*, pg_notify('${FENCE_CHANNEL}', 'commit') from ${STANDING}`,
      [
        changes.map(({ kind }) => kind),
        changes.map(({ subject }) => subject),
        changes.map(({ floorVersion }) => floorVersion),
        changes.map(({ terminal }) => terminal),
        changes.map(({ profile }) => profile),
        changes.length,
      ],
    )) as StandingRow[];
    // The statement itself does not see what it writes: it tells where the log stood before.
    const before = standingOf(row as StandingRow);
    const standing = { ...before, head: before.head + changes.length };
    let seq = before.head;
    return appends.map(({ projected: { fence } }) => {
      if (fence === undefined) return undefined;
      seq += 1;
      return { seq, profile: profileOf(fence), standing };
    });
  }
}
