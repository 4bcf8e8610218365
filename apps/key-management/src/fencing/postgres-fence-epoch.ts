import type pg from 'pg';

/**
 * Begins a new fence epoch in the transaction of `client` and resolves to it: every verifier begins anew, and
 * restrictions wait in full until leases from before are over. To be called when the database is not the one, or not as
 * far as the one, that gave the last leases. Undefined where the schema has no fence yet, so that it never gave one.
 */
export async function beginFenceEpoch(client: pg.ClientBase): Promise<string | undefined> {
  const { rows: found } = await client.query(`select 1 where to_regclass('keys.fence_head') is not null`);
  if (found.length === 0) return undefined;
  await client.query(`select pg_advisory_xact_lock(hashtext('latchkey fence'))`);
  // By the clock: raised by one, it would be the same after two restores of one backup.
  await client.query(
    `update keys.fence_head
     set epoch_counter = greatest(epoch_counter + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)`,
  );
  // Opened here and unsettled: an epoch that a service opens is taken for the first where there was none before it. Waits
  // that an earlier change of epoch asked for and that may not be over are still asked for.
  const { rows } = await client.query<{ epoch: string }>(
    `insert into keys.fence_epochs (epoch, settled, settle_ms)
     select keys.fence_epoch(epoch_counter), false,
       (select coalesce(max(settle_ms), 0) from keys.fence_epochs where not settled)
     from keys.fence_head returning epoch`,
  );
  await client.query('update keys.verifier_lease set fenced_at = now() where fenced_at is null');
  return rows[0]?.epoch;
}
