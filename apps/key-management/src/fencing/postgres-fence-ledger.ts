import { type FenceEntry, type FenceTerms, GRANT_ENTRIES_MAX, type LeaseRow, outlivesMs } from '#libs/fence';
import type { Transaction } from '#libs/event-store';
import { ALL_TENANTS, type PostgresDatabase } from '#libs/service-kit/postgres-database';
import {
  FenceLedger,
  type FenceReceipt,
  type FenceStanding,
  type Incarnation,
  type ObservedLease,
  type Registration,
  type Renewal,
} from './fence-ledger.js';
import {
  FENCE_CHANNEL,
  lockFence,
  profileOf,
  refuseUnopened,
  selectEntries,
  selectStanding,
  STANDING,
  standingOf,
  type StandingRow,
} from './postgres-fence-rows.js';

/** The fence log and the leases in PostgreSQL, on connections of their own: no other work may keep a lease waiting. */
export class PostgresFenceLedger extends FenceLedger {
  constructor(private readonly database: PostgresDatabase) {
    super();
  }

  open(terms: FenceTerms): Promise<FenceStanding> {
    return this.inTransaction(async (transaction) => {
      await lockFence(transaction, 'exclusive');
      const before = await selectStanding(transaction);
      const sameTerms = before.leaseMs === terms.leaseMs && before.serveStaleMaxMs === terms.serveStaleMs;
      if (before.isOpen && sameTerms) return before;
      await transaction.query(
        `update keys.fence_head set lease_ms = $1, serve_stale_max_ms = $2,
           epoch_counter = epoch_counter + $3::int`,
        // A new epoch takes new terms as it is; in the one that is open leases were given by the old ones.
        [terms.leaseMs, terms.serveStaleMs, before.isOpen ? 1 : 0],
      );
      await transaction.query(
        `insert into keys.fence_epochs (epoch, settled, settle_ms)
         select epoch, not exists (select 1 from keys.fence_epochs), $1 from ${STANDING}`,
        [Math.ceil(Math.max(before.boundMs, outlivesMs(terms)))],
      );
      await transaction.query('update keys.verifier_lease set fenced_at = now() where fenced_at is null');
      return selectStanding(transaction);
    });
  }

  async settle(epoch: string): Promise<void> {
    await this.inTransaction((transaction) =>
      transaction.query('update keys.fence_epochs set settled = true where epoch = $1', [epoch]),
    );
  }

  register({ verifierId, incarnation, profiles, serveStaleMs }: Registration) {
    return this.inTransaction(async (transaction) => {
      await lockFence(transaction, 'shared');
      const standing = await selectStanding(transaction);
      refuseUnopened(standing);
      if (serveStaleMs > standing.serveStaleMaxMs) return { outcome: 'serves_too_long', standing } as const;
      const rows = (await transaction.query(
        `insert into keys.verifier_lease (verifier_id, incarnation, profiles, serve_stale_ms)
         values ($1, $2, $3, $4) on conflict do nothing returning incarnation`,
        [verifierId, incarnation, profiles, serveStaleMs],
      )) as unknown[];
      return { outcome: rows.length > 0 ? 'registered' : 'known_already', standing } as const;
    });
  }

  renew({ verifierId, incarnation }: Incarnation, applied: number): Promise<Renewal> {
    return this.inTransaction(async (transaction) => {
      await lockFence(transaction, 'shared');
      const [rows, count] = (await transaction.query(
        `update keys.verifier_lease set renewals = renewals + 1, renewed_at = now(), acked = greatest(acked, least($3, head))
         from keys.fence_head where verifier_id = $1 and incarnation = $2 and fenced_at is null
         returning (select count(*)::int from keys.verifier_lease where fenced_at is null) as live`,
        [verifierId, incarnation, applied],
      )) as [{ live: number }[], number];
      const standing = await selectStanding(transaction);
      refuseUnopened(standing);
      const isKnown = count > 0;
      const entries = isKnown ? await selectEntries(transaction, applied, GRANT_ENTRIES_MAX + 1) : [];
      return { isKnown, standing, entries, liveVerifiers: rows[0]?.live ?? 0 };
    });
  }

  async deregister({ verifierId, incarnation }: Incarnation): Promise<void> {
    await this.inTransaction((transaction) =>
      transaction.query(
        `with gone as (delete from keys.verifier_lease where verifier_id = $1 and incarnation = $2)
         select pg_notify('${FENCE_CHANNEL}', 'ack')`,
        [verifierId, incarnation],
      ),
    );
  }

  acknowledge(acks: readonly (Incarnation & { applied: number })[]): Promise<Incarnation[]> {
    return this.inTransaction(async (transaction) => {
      // A lost acknowledgement only makes a wait longer.
      await transaction.query(
        `select set_config('synchronous_commit', 'off', true), pg_notify('${FENCE_CHANNEL}', 'ack')`,
      );
      const [known] = (await transaction.query(
        `update keys.verifier_lease as lease set acked = greatest(acked, least(new.applied, head))
         from keys.fence_head, unnest($1::text[], $2::uuid[], $3::bigint[]) as new (verifier_id, incarnation, applied)
         where lease.verifier_id = new.verifier_id and lease.incarnation = new.incarnation and fenced_at is null
         returning lease.verifier_id as "verifierId", lease.incarnation`,
        [
          acks.map(({ verifierId }) => verifierId),
          acks.map(({ incarnation }) => incarnation),
          acks.map(({ applied }) => applied),
        ],
      )) as [Incarnation[], number];
      return known;
    });
  }

  observe(): Promise<{ standing: FenceStanding; rows: ObservedLease[] }> {
    return this.inTransaction(async (transaction) => {
      const rows = (await transaction.query(
        `select standing.*, verifier_id, incarnation, profiles, acked, renewals, serve_stale_ms,
                extract(epoch from now() - renewed_at) * 1000 as renewed_ago_ms
         from ${STANDING} left join keys.verifier_lease on fenced_at is null`,
      )) as (StandingRow & ObservedRow)[];
      return {
        standing: standingOf(rows[0] as StandingRow),
        rows: rows.flatMap((row) => (row.verifier_id === null ? [] : leaseOf(row as LeaseColumns))),
      };
    });
  }

  giveUp(rows: readonly LeaseRow[]): Promise<Incarnation[]> {
    return this.inTransaction(async (transaction) => {
      const [given] = (await transaction.query(
        `update keys.verifier_lease as lease set fenced_at = now()
         from unnest($1::text[], $2::uuid[], $3::bigint[]) as seen (verifier_id, incarnation, renewals)
         where lease.verifier_id = seen.verifier_id and lease.incarnation = seen.incarnation
           and lease.renewals = seen.renewals and fenced_at is null
         returning lease.verifier_id as "verifierId", lease.incarnation, pg_notify('${FENCE_CHANNEL}', 'ack')`,
        [
          rows.map(({ verifierId }) => verifierId),
          rows.map(({ incarnation }) => incarnation),
          rows.map(({ renewals }) => renewals),
        ],
      )) as [Incarnation[], number];
      return given.map(({ verifierId, incarnation }) => ({ verifierId, incarnation }));
    });
  }

  entriesAfter(seq: number, limit: number): Promise<{ epoch: string; entries: FenceEntry[] }> {
    return this.inTransaction(async (transaction) => {
      const entries = await selectEntries(transaction, seq, limit);
      const { epoch } = await selectStanding(transaction);
      return { epoch, entries };
    });
  }

  covering(subject: string, version: number): Promise<FenceReceipt | undefined> {
    return this.receipt('subject = $1 and floor_version >= $2 order by floor_version', [subject, version]);
  }

  latest(subject: string): Promise<FenceReceipt | undefined> {
    return this.receipt('subject = $1 order by floor_version desc', [subject]);
  }

  async prune(limit: number): Promise<void> {
    await this.inTransaction(async (transaction) => {
      // What every verifier that may answer has applied. Nobody who registers later needs what was replaced.
      await transaction.query(
        `delete from keys.fence_log where seq in (
           select seq from keys.fence_log as old
           where not terminal
             and seq <= coalesce((select min(acked) from keys.verifier_lease where fenced_at is null),
                                 (select head from keys.fence_head))
             and (kind = 'HINT' and committed_at < now() - interval '24 hours'
                  or exists (select 1 from keys.fence_log as newer
                             where newer.subject = old.subject and newer.floor_version > old.floor_version
                               and (old.kind = 'HINT' or newer.kind <> 'HINT')))
           order by seq limit $1)`,
        [limit],
      );
      await transaction.query(
        `delete from keys.verifier_lease where (verifier_id, incarnation) in (
           select verifier_id, incarnation from keys.verifier_lease
           where fenced_at < now() - interval '24 hours' limit $1)`,
        [limit],
      );
    });
  }

  private receipt(where: string, parameters: unknown[]): Promise<FenceReceipt | undefined> {
    return this.inTransaction(async (transaction) => {
      const [row] = (await transaction.query(
        `select entry.*, standing.*
         from (select seq, subject, profile from keys.fence_log where ${where} limit 1) as entry, ${STANDING}`,
        parameters,
      )) as (StandingRow & { seq: string; subject: string; profile: string })[];
      return row && { seq: Number(row.seq), profile: profileOf(row), standing: standingOf(row) };
    });
  }

  private inTransaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.database.inTransaction(ALL_TENANTS, work);
  }
}

interface LeaseColumns {
  verifier_id: string;
  incarnation: string;
  profiles: string[];
  acked: string;
  renewals: string;
  serve_stale_ms: number;
  renewed_ago_ms: string;
}

/** Without any verifier there is one row, of nulls. */
type ObservedRow = { [Column in keyof LeaseColumns]: LeaseColumns[Column] | null };

function leaseOf(row: LeaseColumns): ObservedLease {
  return {
    verifierId: row.verifier_id,
    incarnation: row.incarnation,
    profiles: row.profiles,
    acked: Number(row.acked),
    renewals: Number(row.renewals),
    serveStaleMs: row.serve_stale_ms,
    renewedAgoMs: Number(row.renewed_ago_ms),
  };
}
