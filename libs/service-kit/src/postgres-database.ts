import { readFileSync } from 'node:fs';
import type { Client } from 'pg';
import {
  DataSource,
  type DataSourceOptions,
  type MigrationInterface,
  type QueryRunner,
  QueryRunnerAlreadyReleasedError,
} from 'typeorm';
import { Rejection } from '#libs/contracts';
import type { Logger } from './logger.js';
import { migrateSchema, SchemaTooNew } from './postgres-migrations.js';

export interface DatabaseOptions {
  /** Role that owns no table and is subject to row-level security: all work after the start. */
  runtimeUrl: string;
  /** Role that owns the schema: used to migrate at start, then closed. */
  migrationUrl: string;
  schema: string;
  /** Run at start; or when another connection of this process, which runs them, has done so. */
  migrations: (new () => MigrationInterface)[] | Promise<void>;
  entities?: NonNullable<DataSourceOptions['entities']>;
  /** Most connections at once. */
  connectionsMax: number;
  /** Certificate authority of the server; set, TLS is required and checked. */
  tlsCaFile?: string | undefined;
}

/** Scope of a service's own work over all tenants; without a scope row-level security shows no row. */
export const ALL_TENANTS = '*';

const RETRY_MS = 1000;

/**
 * One service's connection to PostgreSQL. Starts without it: migrates and connects as soon as it answers, and again
 * after it was away, so that nothing of the service needs to crash meanwhile.
 */
export class PostgresDatabase {
  readonly dataSource: DataSource;
  /** Resolves when the schema is migrated and the runtime role connected; rejects with {@link SchemaTooNew}. */
  readonly ready: Promise<void>;
  private closed = false;
  /** Why it will never be ready. */
  private failure: unknown;

  constructor(
    private readonly options: DatabaseOptions,
    private readonly logger: Logger,
  ) {
    this.dataSource = new DataSource({
      ...this.connection(options.runtimeUrl, options.connectionsMax),
      entities: options.entities ?? [],
    });
    this.ready = this.connect();
    this.ready.catch((err: unknown) => {
      this.failure = err;
      if (!this.closed)
        logger.error({ err }, 'this database can not be used, which trying again would not change');
    });
  }

  /** Rejects while PostgreSQL cannot be reached or the schema is not there yet. */
  async check(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    if (!this.dataSource.isInitialized) throw new Error('not connected yet');
    await this.dataSource.query('select 1');
  }

  /**
   * One READ COMMITTED transaction that sees the rows of one tenant, or with {@link ALL_TENANTS} of all. Rejects with
   * the rejection UNAVAILABLE when PostgreSQL is away; whether a commit that was under way took place is then unknown.
   */
  async inTransaction<T>(tenantId: string, work: (transaction: QueryRunner) => Promise<T>): Promise<T> {
    if (!this.dataSource.isInitialized) throw new Rejection('UNAVAILABLE', [], 1);
    const transaction = this.dataSource.createQueryRunner();
    try {
      await transaction.startTransaction();
      await transaction.query(`select set_config('latchkey.tenant_id', $1, true)`, [tenantId]);
      const result = await work(transaction);
      await transaction.commitTransaction();
      return result;
    } catch (err) {
      if (transaction.isTransactionActive) await transaction.rollbackTransaction().catch(() => undefined);
      if (!isAway(err)) throw err;
      this.logger.warn(
        { err, dependency: 'postgres' },
        'a transaction failed because PostgreSQL is away or did not answer in time',
      );
      throw new Rejection('UNAVAILABLE', [], 1);
    } finally {
      await transaction.release().catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.ready.catch(() => undefined);
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }

  private async connect(): Promise<void> {
    for (;;) {
      try {
        const { migrations } = this.options;
        await (Array.isArray(migrations) ? this.migrate(migrations) : migrations);
        await this.dataSource.initialize();
        return;
      } catch (err) {
        if (this.closed || err instanceof SchemaTooNew) throw err;
        this.logger.warn({ err, dependency: 'postgres' }, 'cannot connect and migrate yet, trying again');
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        if (this.closed) throw err;
      }
    }
  }

  private migrate(migrations: (new () => MigrationInterface)[]): Promise<void> {
    const { schema, migrationUrl } = this.options;
    return migrateSchema(this.connection(migrationUrl, 2), schema, migrations);
  }

  private connection(url: string, connectionsMax: number) {
    return {
      type: 'postgres' as const,
      url: this.options.tlsCaFile === undefined ? url : withoutTlsParameters(url),
      schema: this.options.schema,
      poolSize: connectionsMax,
      connectTimeoutMS: 5000,
      applicationName: `latchkey ${this.options.schema}`,
      installExtensions: false,
      poolErrorHandler: (err: Error) => {
        // A pool counts as closed before the server has seen its connections go.
        if (!this.closed) this.logger.warn({ err, dependency: 'postgres' }, 'idle connection was lost');
      },
      extra: {
        // Between the pool and TypeORM nobody listens to a connection for a moment; an error event that nobody hears
        // would end the process. Whoever uses the connection gets the error with their next query.
        onConnect: (client: Client) => void client.on('error', () => undefined),
      },
      ...(this.options.tlsCaFile !== undefined && {
        ssl: { ca: readFileSync(this.options.tlsCaFile, 'utf8') },
      }),
    };
  }
}

/** What a URL says about TLS would win over the certificate authority, also where it says `sslmode=disable`. */
function withoutTlsParameters(url: string): string {
  const plain = new URL(url);
  const names = Array.from(plain.searchParams.keys());
  for (const name of names.filter((each) => /^(ssl|uselibpqcompat)/.test(each)))
    plain.searchParams.delete(name);
  return plain.toString();
}

/** Whether an error means that PostgreSQL can't be reached, or not in time, rather than that it refused a statement. */
export function isAway(error: unknown): boolean {
  // A connection that breaks between two statements is given back to the pool by TypeORM itself.
  if (error instanceof QueryRunnerAlreadyReleasedError) return true;
  const { code = '', message = '' } = ((error as { driverError?: unknown } | null)?.driverError ??
    error ??
    {}) as {
    code?: string;
    message?: string;
  };
  const connectionLost = /^(08|57P)/.test(code) || code === '53300';
  // A transaction that bounded how long it waits for a lock or a statement has given up, or of two that wait for each other
  // PostgreSQL ended this one.
  const gaveUpWaiting = code === '55P03' || code === '57014' || code === '40P01';
  const networkFailed = [
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'ENOTFOUND',
    'EAI_AGAIN',
  ].includes(code);
  return (
    connectionLost ||
    gaveUpWaiting ||
    networkFailed ||
    /connection (terminated|timeout)|timeout exceeded|not queryable/i.test(message)
  );
}
