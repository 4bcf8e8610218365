/** Schemathesis in a virtual environment of its own, which is kept in the cache of the stack. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../run.mjs';
import { provide } from '../stack/system-packages.mjs';

const HERE = join(root, 'scripts', 'fuzz');
const REQUIREMENTS = join(HERE, 'requirements.txt');
const VERSION = /^schemathesis==(.+)$/m.exec(readFileSync(REQUIREMENTS, 'utf8'))?.[1];

/** Installs it from PyPI where it is not there yet; resolves to its program. */
export function ensureSchemathesis(say) {
  const directory = join(root, '.stack', `schemathesis-${VERSION}`);
  const program = join(directory, 'bin', 'schemathesis');
  const complete = join(directory, 'complete');
  if (existsSync(complete)) return program;
  provide(['python3 with venv'], say);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  run('python3', ['-m', 'venv', directory]);
  run(join(directory, 'bin', 'pip'), [
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '-r',
    REQUIREMENTS,
  ]);
  writeFileSync(complete, '');
  return program;
}

/**
 * Holds a server to a document. Resolves to `{ ok, output }` with everything that it printed. `headers` go with every
 * request; `ownKeyId` is the key they show, which is kept from being revoked.
 */
export async function holdToDocument(program, { document, url, headers, ownKeyId, examples, seed }) {
  const options = {
    '--url': url,
    '--checks': 'all',
    '--max-examples': String(examples),
    '--seed': String(seed),
    '--request-timeout': '30',
  };
  const args = [
    '--config-file',
    join(HERE, 'schemathesis.toml'),
    'run',
    document,
    '--continue-on-failure',
    '--no-color',
    ...Object.entries(options).flat(),
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
  ];
  const env = {
    ...process.env,
    PYTHONPATH: HERE,
    PYTHONDONTWRITEBYTECODE: '1',
    SCHEMATHESIS_HOOKS: 'hooks',
    LATCHKEY_FUZZ_KEY_ID: ownKeyId,
  };
  const child = spawn(program, args, { env, cwd: join(root, '.stack'), stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk));
  const code = await new Promise((ended, failed) => {
    child.on('error', failed);
    child.on('close', ended);
  });
  return { ok: code === 0, output: Buffer.concat(chunks).toString('utf8') };
}

function run(program, args) {
  const { status } = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`this failed: ${program} ${args.join(' ')}`);
}
