import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The read model in schema `keys`: derived from the events, written in their transaction. */
export class CreateKeyReadModel1763800100000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table keys.tenants (
        tenant_id text primary key,
        max_active_keys integer not null,
        -- Keys neither revoked nor, when last looked at, expired; never fewer than there are.
        active_keys integer not null default 0,
        version bigint not null,
        state jsonb not null
      );
      create table keys.keys (
        key_id text collate "C" primary key,
        tenant_id text not null references keys.tenants,
        environment text not null,
        created_at timestamptz not null,
        expires_at timestamptz,
        -- Whether it is one of its tenant's active_keys.
        counted boolean not null,
        version bigint not null,
        state jsonb not null
      );
      create index keys_by_tenant on keys.keys (tenant_id, created_at desc, key_id desc);
      create index keys_expiring on keys.keys (tenant_id, expires_at) where counted;
      create table keys.secrets (
        -- Unique for ever, over all tenants and generations.
        digest text primary key,
        key_id text collate "C" not null,
        tenant_id text not null
      );
      create table keys.relay_checkpoint (
        only_row boolean primary key default true check (only_row),
        position bigint not null
      );
      insert into keys.relay_checkpoint (position) values (0);

      alter table keys.tenants enable row level security;
      create policy tenant on keys.tenants
        using (current_setting('latchkey.tenant_id', true) in (tenant_id, '*'));
      alter table keys.keys enable row level security;
      create policy tenant on keys.keys
        using (current_setting('latchkey.tenant_id', true) in (tenant_id, '*'));
      alter table keys.secrets enable row level security;
      create policy tenant on keys.secrets
        using (current_setting('latchkey.tenant_id', true) in (tenant_id, '*'));

      grant select, insert, update on keys.tenants, keys.keys to latchkey_keys;
      grant select, insert on keys.secrets to latchkey_keys;
      grant select, update on keys.relay_checkpoint to latchkey_keys;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'drop table keys.relay_checkpoint; drop table keys.secrets; drop table keys.keys; drop table keys.tenants;',
    );
  }
}
