/** With `--import`, lets a child process of a test import the TypeScript sources themselves (and `--conditions=source`). */
import { register } from 'node:module';

const hooks = `
  import { readFile } from 'node:fs/promises';
  import { fileURLToPath } from 'node:url';
  import { transform } from ${JSON.stringify(import.meta.resolve('@swc/core'))};

  export async function resolve(specifier, context, next) {
    const fromSource = context.parentURL?.endsWith('.ts') && specifier.startsWith('.');
    return next(fromSource ? specifier.replace(/\\.js$/, '.ts') : specifier, context);
  }

  export async function load(url, context, next) {
    if (!url.endsWith('.ts')) return next(url, context);
    const filename = fileURLToPath(url);
    const { code } = await transform(await readFile(filename, 'utf8'), { filename });
    return { format: 'module', source: code, shortCircuit: true };
  }
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
