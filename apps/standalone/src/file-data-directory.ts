import { accessSync, constants, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { ConfigurationError } from '#libs/service-kit';
import { acquireProcessLock, LockHeld, type ProcessLock } from '#libs/service-kit/file-process-lock';

/** Another process uses the data directory. */
export class AlreadyRunning extends Error {
  override readonly name = 'AlreadyRunning';

  constructor(
    /** Undefined where it runs on another host. */
    readonly pid: number | undefined,
    message: string,
  ) {
    super(message);
  }
}

/** Its full path, made if absent; throws {@link ConfigurationError} where nothing can be written. */
export function makeDirectory(path: string): string {
  const directory = resolve(path);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.W_OK | constants.X_OK);
    return directory;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigurationError([`LATCHKEY_DATA_DIR is no directory to write to (${code}): "${directory}"`]);
  }
}

/** For this process alone; rejects with {@link AlreadyRunning}. */
export async function lockDirectory(directory: string): Promise<ProcessLock> {
  const path = resolve(directory, 'lock');
  try {
    return await acquireProcessLock(path);
  } catch (error) {
    if (!(error instanceof LockHeld)) throw error;
    throw new AlreadyRunning(
      error.hostname === hostname() ? error.pid : undefined,
      error.hostname === hostname()
        ? `Latchkey already runs on ${directory}, as process ${error.pid}: end it with "kill ${error.pid}", ` +
            'or give this one another LATCHKEY_DATA_DIR and other ports'
        : `Latchkey runs on ${directory}, as process ${error.pid} of the host ${error.hostname}: ` +
            `end it there; if it is gone, remove ${path}`,
    );
  }
}
