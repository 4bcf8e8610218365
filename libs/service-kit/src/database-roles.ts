/** The schemas: each is owned and used by one service, and no service reads another's. */
export type DatabaseSchema = 'keys' | 'usage' | 'api' | 'log';

/** Passwords of one schema's two roles. */
export interface RolePasswords {
  owner: string;
  runtime: string;
}

export interface RoleUrls {
  /** Owns the schema: migrations only (`DATABASE_MIGRATION_URL`). */
  migrationUrl: string;
  /** Owns nothing, subject to row-level security (`DATABASE_URL`). */
  runtimeUrl: string;
}
