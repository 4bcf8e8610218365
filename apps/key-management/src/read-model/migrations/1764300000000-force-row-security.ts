import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Row-level security holds the owner too: a service that connects as the owner by mistake sees nothing it should not. */
export class ForceRowSecurity1764300000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      alter table keys.events force row level security;
      alter table keys.idempotency force row level security;
      alter table keys.tenants force row level security;
      alter table keys.keys force row level security;
      alter table keys.secrets force row level security;
      alter table keys.fence_log force row level security;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      alter table keys.events no force row level security;
      alter table keys.idempotency no force row level security;
      alter table keys.tenants no force row level security;
      alter table keys.keys no force row level security;
      alter table keys.secrets no force row level security;
      alter table keys.fence_log no force row level security;
    `);
  }
}
