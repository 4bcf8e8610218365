import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileOf, type Manifest, MANIFEST_FILE, OperationRefused, parseManifest } from './backup-manifest.js';

/** A backup whose files are all as they were written. */
export interface VerifiedBackup {
  readonly directory: string;
  readonly manifest: Manifest;
}

/** Reads every byte of the backup; throws {@link OperationRefused} when one is missing or another. */
export async function verifyBackup(directory: string): Promise<VerifiedBackup> {
  const manifest = parseManifest(await manifestIn(directory));
  for (const table of manifest.tables) {
    const name = fileOf(table);
    const hash = createHash('sha256');
    try {
      await pipeline(createReadStream(join(directory, name)), hash);
    } catch (error) {
      throw new OperationRefused(
        `${name} of the backup can't be read (${(error as NodeJS.ErrnoException).code}): take another copy of it`,
        { cause: error },
      );
    }
    if (hash.digest('hex') !== table.sha256)
      throw new OperationRefused(`${name} of the backup is damaged: take another copy of it`);
  }
  return { directory, manifest };
}

async function manifestIn(directory: string): Promise<string> {
  try {
    return await readFile(join(directory, MANIFEST_FILE), 'utf8');
  } catch (error) {
    throw new OperationRefused(
      `${directory} is no complete backup, it has no readable ${MANIFEST_FILE} ` +
        `(${(error as NodeJS.ErrnoException).code}): name a directory that "npm run backup" has finished`,
      { cause: error },
    );
  }
}
