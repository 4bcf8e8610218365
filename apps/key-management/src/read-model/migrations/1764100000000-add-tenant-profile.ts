import type { MigrationInterface, QueryRunner } from 'typeorm';

/** States of before there were profiles and limits say what their events are read as today. */
export class AddTenantProfile1764100000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      update keys.tenants set state = '{"profile": "default", "plan": null}'::jsonb || state;
      update keys.keys set state = '{"requestsPerMinute": null}'::jsonb || state;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      update keys.tenants set state = state - 'profile' - 'plan';
      update keys.keys set state = state - 'requestsPerMinute';
    `);
  }
}
