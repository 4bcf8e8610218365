import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The schema `api`: documents of the products' collections, and the API version of each account. */
export class CreateDocuments1764200000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table api.documents (
        tenant_id text not null,
        environment text not null check (environment in ('live', 'test')),
        collection text not null,
        id text collate "C" not null,
        -- Of the document that it is one of; '' where it lies in no other.
        parent_id text collate "C" not null,
        -- Where it stands in its collection, from 1, in the order of commits.
        position bigint not null,
        body jsonb not null,
        -- The date of the product's API version that the body is written in; null: from before there were versions.
        version text,
        -- Of collections that are searched.
        words tsvector,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (tenant_id, environment, collection, id)
      );
      create unique index documents_listed
        on api.documents (tenant_id, environment, collection, parent_id, position);

      create table api.collection_ends (
        tenant_id text not null,
        environment text not null,
        collection text not null,
        -- Of the newest document that was ever there. Whoever adds one holds the row until the commit.
        last_position bigint not null,
        primary key (tenant_id, environment, collection)
      );

      create table api.account_versions (
        tenant_id text primary key,
        -- The date of the version that the account is pinned to.
        version text not null,
        pinned_at timestamptz not null
      );

      alter table api.documents enable row level security, force row level security;
      create policy tenant_environment on api.documents using (
        tenant_id = current_setting('latchkey.tenant_id', true)
        and environment = current_setting('latchkey.environment', true)
      );
      alter table api.collection_ends enable row level security, force row level security;
      create policy tenant_environment on api.collection_ends using (
        tenant_id = current_setting('latchkey.tenant_id', true)
        and environment = current_setting('latchkey.environment', true)
      );
      alter table api.account_versions enable row level security, force row level security;
      create policy tenant on api.account_versions
        using (tenant_id = current_setting('latchkey.tenant_id', true));

      grant select, insert, update, delete on api.documents to latchkey_api;
      grant select, insert, update on api.collection_ends, api.account_versions to latchkey_api;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      'drop table api.account_versions; drop table api.collection_ends; drop table api.documents;',
    );
  }
}
