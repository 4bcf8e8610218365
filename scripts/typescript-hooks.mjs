/**
 * Lets a script import the project's TypeScript as it lies there, tests and what they use included, which are in no
 * build: `register('./typescript-hooks.mjs', import.meta.url)` of node:module. Imports that begin with #libs lead to
 * the sources too.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';

export async function resolve(specifier, context, nextResolve) {
  const fromSource = context.parentURL?.endsWith('.ts') || specifier.endsWith('.ts');
  if (!fromSource) return nextResolve(specifier, context);
  const name = /^\.{1,2}\//.test(specifier) ? specifier.replace(/\.js$/, '.ts') : specifier;
  return nextResolve(name, { ...context, conditions: ['source', ...context.conditions] });
}

export async function load(url, context, nextLoad) {
  if (!url.endsWith('.ts')) return nextLoad(url, context);
  const file = fileURLToPath(url);
  const { code } = await transform(await readFile(file, 'utf8'), { filename: file, sourceMaps: 'inline' });
  return { format: 'module', source: code, shortCircuit: true };
}
