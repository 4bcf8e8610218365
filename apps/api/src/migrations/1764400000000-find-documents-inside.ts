import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What lies in a document goes with it, and is found by it. */
export class FindDocumentsInside1764400000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create index documents_inside on api.documents (tenant_id, environment, parent_id) where parent_id <> ''
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop index api.documents_inside');
  }
}
