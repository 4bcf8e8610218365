import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tables of schema `usage`. What has no tenant is for the service's own work alone, over all tenants. */
export class CreateUsage1763800000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table usage.request_counts (
        tenant_id text not null,
        key_id text not null,
        quarter timestamptz not null,
        outcome text not null,
        count bigint not null,
        primary key (tenant_id, key_id, quarter, outcome)
      ) with (fillfactor = 70);
      create index request_counts_by_age on usage.request_counts using brin (quarter);
      comment on table usage.request_counts is
        'Requests of a key by quarter of an hour, UTC, in which they occurred, and verdict.';

      create table usage.key_activity (
        tenant_id text not null,
        key_id text not null,
        last_used_at timestamptz,
        last_authenticated_at timestamptz,
        primary key (tenant_id, key_id)
      ) with (fillfactor = 70);

      create table usage.known_keys (
        key_id text primary key,
        tenant_id text not null,
        created_at timestamptz not null
      );

      create table usage.reported_requests (
        tenant_id text not null,
        request_id text not null,
        occurred_at timestamptz not null,
        counted_at timestamptz not null,
        primary key (tenant_id, request_id)
      );
      create index reported_requests_by_age on usage.reported_requests using brin (counted_at);

      create table usage.consumed_offsets (
        log_id text not null,
        topic text not null,
        partition integer not null,
        next_offset bigint not null,
        primary key (log_id, topic, partition)
      ) with (fillfactor = 50);

      create table usage.reporters (
        incarnation uuid primary key,
        last_sequence bigint not null,
        parked bigint not null,
        seen_at timestamptz not null
      ) with (fillfactor = 50);
      comment on column usage.reporters.last_sequence is
        'Each event up to this one was counted; the next one to count is the one after it.';

      create table usage.parked_events (
        incarnation uuid not null references usage.reporters,
        sequence bigint not null,
        event text not null,
        parked_at timestamptz not null default now(),
        primary key (incarnation, sequence)
      );
      comment on table usage.parked_events is
        'Events that came before another one of their incarnation; counted when that one arrives.';
    `);
    const scope = `(select current_setting('latchkey.tenant_id', true))`;
    for (const table of ['request_counts', 'key_activity', 'known_keys', 'reported_requests']) {
      await queryRunner.query(`
        alter table usage.${table} enable row level security;
        create policy tenant on usage.${table} using (${scope} in (tenant_id, '*'));
      `);
    }
    for (const table of ['consumed_offsets', 'reporters', 'parked_events']) {
      await queryRunner.query(`
        alter table usage.${table} enable row level security;
        create policy all_tenants on usage.${table} using (${scope} = '*');
      `);
    }
    await queryRunner.query(`
      grant select, insert, update on usage.request_counts, usage.key_activity, usage.reported_requests,
        usage.consumed_offsets, usage.reporters to latchkey_usage;
      grant select, insert on usage.known_keys, usage.parked_events to latchkey_usage;
      grant delete on usage.request_counts, usage.reported_requests, usage.reporters, usage.parked_events
        to latchkey_usage;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      drop table usage.parked_events, usage.reporters, usage.consumed_offsets, usage.reported_requests,
        usage.known_keys, usage.key_activity, usage.request_counts;
    `);
  }
}
