/** Installs the packages that are missing: nothing happens while the lock file and the lists of dependencies stay the same. */
import './node-version.mjs';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, runAsProgram, secondsSince } from './run.mjs';
import { hashOf, isFresh, stamp } from './stamp.mjs';

const LISTS = ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides', 'allowScripts'];
const STAMP = join(root, 'node_modules', '.latchkey-install');
const LOCK = join(root, 'package-lock.json');

/** `keepLock` makes it an error when npm had to change package-lock.json: what is tested is then not what is committed. */
export async function ensureInstalled({ keepLock }) {
  if (isFresh(STAMP, wanted())) return;
  console.log('installing packages: npm install');
  const startMs = performance.now();
  const lockBefore = lock();
  // Tools of development build and test the project, so NODE_ENV=production must not leave them out.
  const { ok } = await run(['npm', 'install', '--include=dev', '--loglevel=error']);
  if (!ok) throw new Error('npm install failed');
  if (lock() !== lockBefore) {
    const problem = 'npm install changed package-lock.json: it does not fit package.json, or this platform';
    if (keepLock) throw new Error(`${problem}. Look at the difference, then commit or restore it.`);
    console.warn(problem);
  }
  stamp(STAMP, wanted());
  console.log(`installed in ${secondsSince(startMs)}`);
}

function wanted() {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return hashOf([['lock', lock()], ...LISTS.map((name) => [name, JSON.stringify(manifest[name] ?? {})])]);
}

function lock() {
  return existsSync(LOCK) ? readFileSync(LOCK, 'utf8') : '';
}

await runAsProgram(import.meta.url, () => ensureInstalled({ keepLock: true }));
