import {
  DataSource,
  type DataSourceOptions,
  MigrationExecutor,
  type MigrationInterface,
  type QueryRunner,
} from 'typeorm';

export type Migration = new () => MigrationInterface;

/** The schema was migrated by newer code than this. */
export class SchemaTooNew extends Error {
  override readonly name = 'SchemaTooNew';
}

/**
 * Runs those migrations that `schema` lacks, in one transaction and under one advisory lock held by the session that
 * migrates, so that several replicas may start at once. Throws {@link SchemaTooNew} where it has others than these.
 */
export async function migrateSchema(
  connection: Extract<DataSourceOptions, { type: 'postgres' }>,
  schema: string,
  migrations: readonly Migration[],
): Promise<void> {
  const owner = new DataSource({
    ...connection,
    migrations: [...migrations],
    migrationsTableName: 'migrations',
  });
  await owner.initialize();
  const session = owner.createQueryRunner();
  try {
    await session.query(`select pg_advisory_lock(hashtext('latchkey migrations'), hashtext($1))`, [schema]);
    await runPending(owner, session, schema);
  } finally {
    await session.query('select pg_advisory_unlock_all()').catch(() => undefined);
    await session.release();
    await owner.destroy();
  }
}

/** As its row in the table `migrations` names it. */
export function migrationName(migration: Migration): string {
  return new migration().name ?? migration.name;
}

async function runPending(owner: DataSource, session: QueryRunner, schema: string): Promise<void> {
  const executor = new MigrationExecutor(owner, session);
  const known = new Set(owner.migrations.map((migration) => migration.name ?? migration.constructor.name));
  const unknown = (await executor.getExecutedMigrations()).filter(({ name }) => !known.has(name));
  if (unknown.length > 0) {
    throw new SchemaTooNew(
      `schema "${schema}" has migrations this version does not know ` +
        `(${unknown.map(({ name }) => name).join(', ')}): start a newer version`,
    );
  }
  executor.transaction = 'all';
  await executor.executePendingMigrations();
}
