import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who made each key, so that keys can be chosen by it; known from the first event of each. */
export class AddKeyCreator1764000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      alter table keys.keys add column created_by_type text, add column created_by_id text;
      update keys.keys set created_by_type = metadata #>> '{actor,type}', created_by_id = metadata #>> '{actor,id}'
        from keys.events where events.stream_id = 'key-' || keys.key_id and events.version = 1;
      alter table keys.keys alter column created_by_type set not null, alter column created_by_id set not null;
      create index keys_by_creator on keys.keys (tenant_id, created_by_id, created_by_type);
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table keys.keys drop column created_by_type, drop column created_by_id;');
  }
}
