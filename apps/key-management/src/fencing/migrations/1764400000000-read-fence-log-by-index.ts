import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The planner takes an equality without a column for one that holds for one row in 200, and would read and sort a large
 * log for every page of it; of `coalesce` it takes that it holds for every other row, and goes by the index.
 */
export class ReadFenceLogByIndex1764400000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      alter policy service on keys.fence_log
        using (coalesce(current_setting('latchkey.tenant_id', true) = '*', false))
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      alter policy service on keys.fence_log using (current_setting('latchkey.tenant_id', true) = '*')
    `);
  }
}
