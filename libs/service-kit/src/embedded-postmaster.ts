import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the first, fourth and eighth line of postmaster.pid say, as pg_ctl reads them; pid 0 where there is no such file. */
export interface PostmasterStatus {
  pid: number;
  port: number;
  status: string;
}

export function postmasterStatus(dataDirectory: string): PostmasterStatus {
  const path = join(dataDirectory, 'postmaster.pid');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  return { pid: Number(lines[0] ?? 0), port: Number(lines[3] ?? 0), status: lines[7]?.trim() ?? '' };
}

/** The superuser's URL to the embedded PostgreSQL that another process runs on `directory`; undefined while it is not ready. */
export function runningPostgresUrl(directory: string): string | undefined {
  const { port, status } = postmasterStatus(join(directory, 'data'));
  const password = join(directory, 'superuser-password');
  if (status !== 'ready' || !existsSync(password)) return undefined;
  return superuserUrl(readFileSync(password, 'utf8').trim(), port);
}

export function superuserUrl(password: string, port: number): string {
  return `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
}
