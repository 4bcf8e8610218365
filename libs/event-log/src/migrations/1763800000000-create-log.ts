import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateLog1763800000000 implements MigrationInterface {
  readonly name = 'CreateLog1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table log.identity (
        id uuid not null,
        single boolean primary key default true check (single)
      )`);
    await runner.query(`insert into log.identity (id) values (gen_random_uuid())`);
    await runner.query(`
      create table log.topics (
        name text primary key,
        partitions integer not null check (partitions > 0),
        cleanup text not null check (cleanup in ('compact', 'delete')),
        retention_ms bigint
      )`);
    // The row of a partition is its head: who appends holds its lock until the commit, so that offsets become visible
    // in their order and without gaps.
    await runner.query(`
      create table log.partitions (
        topic text not null references log.topics,
        partition integer not null,
        next_offset bigint not null default 0,
        compacted_to bigint not null default 0,
        primary key (topic, partition)
      ) with (fillfactor = 50)`);
    await runner.query(`
      create table log.records (
        topic text not null,
        partition integer not null,
        "offset" bigint not null,
        key text,
        value bytea not null,
        headers json not null,
        appended_at timestamptz not null,
        primary key (topic, partition, "offset")
      )`);
    await runner.query(`
      create index records_by_key on log.records (topic, partition, key, "offset") where key is not null`);
    await runner.query(`
      create table log.group_offsets (
        "group" text not null,
        topic text not null,
        partition integer not null,
        next_offset bigint not null,
        primary key ("group", topic, partition)
      ) with (fillfactor = 50)`);
    await runner.query(`grant select on log.identity to latchkey_log`);
    await runner.query(`grant select, insert on log.topics to latchkey_log`);
    await runner.query(`grant select, insert, update on log.partitions, log.group_offsets to latchkey_log`);
    await runner.query(`grant select, insert, delete on log.records to latchkey_log`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table log.group_offsets, log.records, log.partitions, log.topics, log.identity`);
  }
}
