import { randomUUID } from 'node:crypto';
import { Client } from 'pg';

/** An empty database of one test file. Roles are the server's, not the database's: other files see the same ones. */
export interface TestDatabase {
  readonly name: string;
  /** The superuser's URL to this database. */
  readonly adminUrl: string;
  /** Ends whatever is still connected to it. */
  drop(): Promise<void>;
}

/** Creates a database with a name of its own on the server of `serverAdminUrl`. */
export async function createTestDatabase(serverAdminUrl: string): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await execute(serverAdminUrl, `create database ${name}`);
  const url = new URL(serverAdminUrl);
  url.pathname = `/${name}`;
  return {
    name,
    adminUrl: url.href,
    drop: () => execute(serverAdminUrl, `drop database ${name} with (force)`),
  };
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
