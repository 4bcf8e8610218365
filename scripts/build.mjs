/** Compiles apps and libs into dist: nothing happens while sources and configuration stay the same. */
import './node-version.mjs';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { root, run, runAsProgram, secondsSince } from './run.mjs';
import { filesBelow, hashOf, isFresh, stamp } from './stamp.mjs';

const CONFIGURATION = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
const NOT_COMPILED = /\.(spec|contract)\.ts$|^libs\/testing\//;
const DIST = join(root, 'dist');
const STAMP = join(DIST, '.latchkey-build');

/** Throws when the compiler finds an error, which it has printed. */
export async function ensureBuilt() {
  const hash = wanted();
  if (isFresh(STAMP, hash)) return;
  const startMs = performance.now();
  rmSync(DIST, { recursive: true, force: true });
  const { ok } = await run([
    process.execPath,
    'node_modules/typescript7/bin/tsc',
    '-p',
    'tsconfig.build.json',
  ]);
  if (!ok) throw new Error('the build failed');
  stamp(STAMP, hash);
  console.log(`built in ${secondsSince(startMs)}`);
}

function wanted() {
  const configuration = CONFIGURATION.map((name) => [name, readFileSync(join(root, name))]);
  const sources = filesBelow(
    root,
    ['apps', 'libs'],
    (path) => path.endsWith('.ts') && !NOT_COMPILED.test(path),
  );
  return hashOf([...configuration, ...sources]);
}

await runAsProgram(import.meta.url, async () => {
  await ensureInstalled({ keepLock: false });
  await ensureBuilt();
});
