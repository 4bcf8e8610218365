import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tables of the event store in schema `keys`; the runtime role may add events but never change or remove them. */
export class CreateEventStore1763800000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table keys.events (
        position bigint generated always as identity primary key,
        stream_id text not null,
        version bigint not null check (version > 0),
        tenant_id text not null,
        type text not null,
        schema_version integer not null,
        data jsonb not null,
        metadata jsonb not null,
        recorded_at timestamptz not null default clock_timestamp(),
        unique (stream_id, version)
      );
      alter table keys.events enable row level security;
      create policy tenant on keys.events
        using (current_setting('latchkey.tenant_id', true) in (tenant_id, '*'));
      grant select, insert on keys.events to latchkey_keys;

      create table keys.idempotency (
        scope text not null,
        key text not null,
        request_hash text not null,
        outcome jsonb not null,
        recorded_at timestamptz not null default now(),
        primary key (scope, key)
      );
      create index idempotency_recorded_at on keys.idempotency (recorded_at);
      -- Scopes and outcomes are tenants' data: only the service's own work over all tenants sees them.
      alter table keys.idempotency enable row level security;
      create policy service on keys.idempotency using (current_setting('latchkey.tenant_id', true) = '*');
      grant select, insert, update, delete on keys.idempotency to latchkey_keys;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table keys.idempotency; drop table keys.events;');
  }
}
