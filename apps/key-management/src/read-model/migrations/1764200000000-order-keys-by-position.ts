import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Gives every key a place in the order of commits, by which lists page. `created_at` is the clock of whoever made the key,
 * read before its commit, so that a key could turn up behind a reader who had walked past its time. The position is drawn
 * while the writer holds the lock on the tenant's row, until its commit: within a tenant no key becomes visible
 * behind one that was visible before. Keys of before keep the order that lists had. Gaps mean nothing.
 */
export class OrderKeysByPosition1764200000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      alter table keys.keys
        add column created_position bigint,
        -- A column, so that of all changes of a key only its revocation touches the index of those that are not.
        add column revoked boolean not null generated always as (state->>'status' = 'revoked') stored;
      update keys.keys set created_position = listed.place
        from (select key_id, row_number() over (order by created_at, key_id) as place from keys.keys) as listed
        where listed.key_id = keys.key_id;
      alter table keys.keys
        alter column created_position set not null,
        alter column created_position add generated always as identity;
      select setval(pg_get_serial_sequence('keys.keys', 'created_position'), count(*) + 1, false) from keys.keys;

      drop index keys.keys_by_tenant;
      -- Read forwards and backwards: one index serves both orders and both directions.
      create index keys_by_position on keys.keys (tenant_id, environment, created_position);
      create index keys_unrevoked on keys.keys (tenant_id, environment, created_position) where not revoked;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      alter table keys.keys drop column revoked, drop column created_position;
      create index keys_by_tenant on keys.keys (tenant_id, created_at desc, key_id desc);
    `);
  }
}
