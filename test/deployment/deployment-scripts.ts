import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** deploy/make-secrets.mjs, into `directory`. */
export async function makeSecrets(directory: string): Promise<void> {
  await run(process.execPath, ['deploy/make-secrets.mjs', directory]);
}

/** deploy/make-certificates.sh, into `directory`; rejects where there is no openssl. */
export async function makeCertificates(directory: string): Promise<void> {
  await run('deploy/make-certificates.sh', [directory]);
}
