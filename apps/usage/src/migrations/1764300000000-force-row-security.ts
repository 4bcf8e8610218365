import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Row-level security holds the owner too: a service that connects as the owner by mistake sees nothing it should not. */
export class ForceRowSecurity1764300000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      alter table usage.request_counts force row level security;
      alter table usage.key_activity force row level security;
      alter table usage.known_keys force row level security;
      alter table usage.reported_requests force row level security;
      alter table usage.consumed_offsets force row level security;
      alter table usage.reporters force row level security;
      alter table usage.parked_events force row level security;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      alter table usage.request_counts no force row level security;
      alter table usage.key_activity no force row level security;
      alter table usage.known_keys no force row level security;
      alter table usage.reported_requests no force row level security;
      alter table usage.consumed_offsets no force row level security;
      alter table usage.reporters no force row level security;
      alter table usage.parked_events no force row level security;
    `);
  }
}
