import { createHash } from 'node:crypto';
import type { DatabaseSchema } from './database-roles.js';

/** What a backup holds: written last, so that a directory without it is no backup. */
export interface Manifest {
  formatVersion: typeof FORMAT_VERSION;
  /** ISO 8601: when the snapshot was taken, by the server's clock. */
  takenAt: string;
  serverVersion: string;
  schemas: SchemaBackup[];
  /** Each after those it refers to. */
  tables: TableBackup[];
  sequences: SequenceBackup[];
}

export interface SchemaBackup {
  schema: DatabaseSchema;
  /** Names of those that were executed, in their order. */
  migrations: string[];
}

export interface TableName {
  schema: DatabaseSchema;
  table: string;
}

export interface TableBackup extends TableName {
  columns: string[];
  rows: number;
  /** Of the compressed file, in hexadecimal. */
  sha256: string;
}

/** As text, because it may pass 2^53. */
export interface SequenceBackup {
  schema: DatabaseSchema;
  sequence: string;
  lastValue: string;
  /** Whether `lastValue` itself was given out already. */
  isCalled: boolean;
}

export const MANIFEST_FILE = 'manifest.json';
const FORMAT_VERSION = 1;

/** A backup that can't be made or restored, or a target that must not be changed; the message says what to do. */
export class OperationRefused extends Error {
  override readonly name = 'OperationRefused';
}

/** The content of the file, with a checksum over itself. */
export function manifestText(manifest: Omit<Manifest, 'formatVersion'>): string {
  const content = { formatVersion: FORMAT_VERSION, ...manifest };
  return `${JSON.stringify({ ...content, sha256: sha256Of(content) }, undefined, 2)}\n`;
}

/** Throws {@link OperationRefused} for anything that {@link manifestText} of this version did not make. */
export function parseManifest(text: string): Manifest {
  let parsed: Partial<Manifest & { sha256: string }> | null;
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch {
    parsed = null;
  }
  const { sha256, ...manifest } = parsed ?? {};
  if (sha256 === undefined || sha256 !== sha256Of(manifest))
    throw new OperationRefused(`${MANIFEST_FILE} is damaged: take another copy of the backup`);
  if (manifest.formatVersion !== FORMAT_VERSION) {
    throw new OperationRefused(
      `the backup has format ${manifest.formatVersion}, this version reads ${FORMAT_VERSION}: ` +
        'restore with the version that made it',
    );
  }
  return manifest as Manifest;
}

/** Inside the backup's directory. */
export function fileOf({ schema, table }: TableName): string {
  return `${schema}.${table}.copy.gz`;
}

/** Each table after those it refers to, otherwise in the order given; `references` leads from a name to such names. */
export function referredFirst<Table extends TableName>(
  tables: readonly Table[],
  references: ReadonlyMap<string, readonly string[]>,
): Table[] {
  const byName = new Map(tables.map((table) => [nameOf(table), table]));
  const ordered = new Set<Table>();
  const entered = new Set<string>();
  const add = (name: string) => {
    const table = byName.get(name);
    if (table === undefined || entered.has(name)) return;
    entered.add(name);
    for (const referred of references.get(name) ?? []) add(referred);
    ordered.add(table);
  };
  for (const name of byName.keys()) add(name);
  return [...ordered];
}

export function nameOf({ schema, table }: TableName): string {
  return `${schema}.${table}`;
}

/** Migrations of the backup that `known` lacks, as `schema.name`. */
export function unknownMigrations(
  { schemas }: Pick<Manifest, 'schemas'>,
  known: Readonly<Record<DatabaseSchema, readonly string[]>>,
): string[] {
  return schemas.flatMap(({ schema, migrations }) =>
    migrations.filter((name) => !known[schema]?.includes(name)).map((name) => `${schema}.${name}`),
  );
}

function sha256Of(content: object): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
