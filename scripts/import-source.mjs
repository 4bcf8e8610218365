/**
 * Imports one of the project's TypeScript files before anything is built, so that the stack and the tests' child
 * processes run the very source that the services are built from.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';

const root = resolve(import.meta.dirname, '..');

/** `path` is relative to the checkout; what it imports by a relative path is compiled with it, each file in its place. */
export async function importSource(path) {
  const sources = new Map();
  collect(resolve(root, path), sources);
  const hash = createHash('sha256');
  for (const [file, text] of sources) hash.update(`${file}\0${text}\0`);
  const directory = join(root, '.stack', 'compiled', hash.digest('hex').slice(0, 16));
  const compiledOf = (file) => join(directory, relative(root, file).replace(/\.ts$/, '.js'));
  for (const [file, text] of sources) {
    const output = compiledOf(file);
    if (existsSync(output)) continue;
    mkdirSync(dirname(output), { recursive: true });
    const { code } = transformSync(text, { filename: file, cwd: root, sourceMaps: 'inline' });
    // Another process may compile the same file at this moment: it appears whole or not at all.
    const unfinished = `${output}.${process.pid}`;
    writeFileSync(unfinished, code);
    renameSync(unfinished, output);
  }
  return import(pathToFileURL(compiledOf(resolve(root, path))).href);
}

function collect(file, sources) {
  if (sources.has(file)) return;
  const text = readFileSync(file, 'utf8');
  sources.set(file, text);
  for (const [, name] of text.matchAll(/from '(\.{1,2}\/[\w./-]+)\.js'/g))
    collect(join(dirname(file), `${name}.ts`), sources);
}
