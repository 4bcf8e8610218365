import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The fence log in schema `keys`: what changed about keys and tenants, in order, and the leases of verifiers. */
export class CreateFence1763800200000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table keys.fence_head (
        only_row boolean primary key default true check (only_row),
        -- Of the last entry; changed under the fence lock only.
        head bigint not null,
        -- Raised after a restore, and with the terms below.
        epoch_counter bigint not null,
        -- Terms of every lease given, and of every wait.
        lease_ms integer not null,
        serve_stale_max_ms integer not null
      );
      create table keys.fence_log (
        -- Without gaps as it is written; entries that later ones replaced are removed.
        seq bigint primary key,
        kind text not null check (kind in ('KEY', 'TENANT', 'HINT')),
        subject text collate "C" not null,
        floor_version bigint not null,
        terminal boolean not null,
        profile text not null,
        committed_at timestamptz not null default now()
      );
      create index fence_log_by_subject on keys.fence_log (subject, floor_version);
      create index fence_log_prunable on keys.fence_log (seq) where not terminal;
      create table keys.verifier_lease (
        verifier_id text not null,
        incarnation uuid not null,
        profiles text[] not null,
        acked bigint not null default 0,
        renewals bigint not null default 0,
        serve_stale_ms integer not null,
        registered_at timestamptz not null default now(),
        -- For people: no decision is made by it.
        renewed_at timestamptz not null default now(),
        -- Given up: whoever it was can answer no more by a lease.
        fenced_at timestamptz,
        primary key (verifier_id, incarnation)
      );
      create index verifier_lease_unfenced on keys.verifier_lease (acked) where fenced_at is null;
      create table keys.fence_epochs (
        epoch text primary key,
        -- False while a lease from before the epoch may be about.
        settled boolean not null,
        settle_ms integer not null,
        opened_at timestamptz not null default now()
      );

      -- Another one after a restore into a new cluster, a failover, or when an operator says so.
      create function keys.fence_epoch(counter bigint) returns text language sql stable as $$
        select system_identifier::text || '-' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) || '-' || counter
        from pg_control_system() $$;

      -- What was changed before there was a fence, so that an older record of it is too old for every verifier.
      insert into keys.fence_log (seq, kind, subject, floor_version, terminal, profile)
        select row_number() over (order by subject), kind, subject, version, terminal, 'default'
        from (select 'KEY' as kind, 'key-' || key_id as subject, version, state ->> 'status' = 'revoked' as terminal
              from keys.keys where version > 1
              union all
              select 'TENANT', 'tenant-' || tenant_id, version, false from keys.tenants where version > 1) as changed;
      insert into keys.fence_head (head, epoch_counter, lease_ms, serve_stale_max_ms)
        select count(*), 1, 10000, 0 from keys.fence_log;

      -- Subjects are tenants' data: only the service's own work over all tenants sees them.
      alter table keys.fence_log enable row level security;
      create policy service on keys.fence_log using (current_setting('latchkey.tenant_id', true) = '*');

      grant select, update on keys.fence_head to latchkey_keys;
      grant select, insert, delete on keys.fence_log to latchkey_keys;
      grant select, insert, update, delete on keys.verifier_lease to latchkey_keys;
      grant select, insert, update on keys.fence_epochs to latchkey_keys;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      drop function keys.fence_epoch(bigint);
      drop table keys.fence_epochs; drop table keys.verifier_lease; drop table keys.fence_log; drop table keys.fence_head;
    `);
  }
}
