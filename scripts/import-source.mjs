/**
 * Imports one of the project's TypeScript files before anything is built, so that the stack and the tests' child
 * processes run the very source that the services are built from.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';

const root = resolve(import.meta.dirname, '..');

/** `path` is relative to the checkout; what it imports by a relative path lies in the same folder. */
export async function importSource(path) {
  const sources = new Map();
  collect(resolve(root, path), sources);
  const hash = createHash('sha256');
  for (const [file, text] of sources) hash.update(`${file}\0${text}\0`);
  const directory = join(root, '.stack', 'compiled', hash.digest('hex').slice(0, 16));
  mkdirSync(directory, { recursive: true });
  for (const [file, text] of sources) {
    const output = join(directory, `${basename(file, '.ts')}.js`);
    if (existsSync(output)) continue;
    const { code } = transformSync(text, { filename: file, cwd: root, sourceMaps: 'inline' });
    // Another process may compile the same file at this moment: it appears whole or not at all.
    const unfinished = `${output}.${process.pid}`;
    writeFileSync(unfinished, code);
    renameSync(unfinished, output);
  }
  return import(pathToFileURL(join(directory, `${basename(path, '.ts')}.js`)).href);
}

function collect(file, sources) {
  if (sources.has(file)) return;
  const text = readFileSync(file, 'utf8');
  sources.set(file, text);
  for (const [, name] of text.matchAll(/from '\.\/([\w.-]+)\.js'/g))
    collect(join(dirname(file), `${name}.ts`), sources);
}
