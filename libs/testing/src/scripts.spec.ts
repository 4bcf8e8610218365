import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnNode } from './spawn-service.js';

const sandbox = mkdtempSync(join(tmpdir(), 'latchkey-path-'));
let pathNumber = 0;

/** A PATH that holds only the programs given, as shell scripts by name. */
function pathWith(programs: Record<string, string>): string {
  const directory = join(sandbox, String(++pathNumber));
  mkdirSync(directory);
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(directory, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(directory, name), 0o755);
  }
  return directory;
}

/** Runs `node scripts/stack.mjs` to its end. */
async function stack(args: string[], env: NodeJS.ProcessEnv) {
  const run = spawnNode(['scripts/stack.mjs', '--private', ...args], env);
  const { code } = await run.exited;
  return { code, stdout: run.stdout.join('\n'), stderr: run.stderr.join('\n') };
}

/** Evaluates an expression with the exports of a script in scope as `script`. */
async function evaluate(script: string, expression: string): Promise<unknown> {
  const code = `const script = await import('./scripts/${script}'); console.log(JSON.stringify(${expression}))`;
  const run = spawnNode(['--input-type=module', '-e', code], {});
  const { code: exitCode } = await run.exited;
  if (exitCode !== 0) throw new Error(run.stderr.join('\n'));
  return JSON.parse(run.stdout.join('\n'));
}

afterAll(() => rmSync(sandbox, { recursive: true }));

describe('scripts/stack.mjs', () => {
  it('says which command installs Redis when it is missing and may not be installed', async () => {
    const result = await stack(['--parts', 'redis'], { PATH: pathWith({}), LATCHKEY_NO_APT: '1' });
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/apt-get install -y redis-server|brew install redis/);
    expect(result.stderr).toContain('REDIS_URL');
  });

  it('takes a Java that is too old for a missing one', async () => {
    const old = pathWith({ java: `echo 'openjdk version "11.0.2"' >&2`, mvn: 'exit 0' });
    const result = await stack(['--parts', 'kafka'], { PATH: old, LATCHKEY_NO_APT: '1' });
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(
      /install -y (openjdk-17-jre-headless|default-jre-headless)\n|brew install openjdk\n/,
    );
  });

  it('runs the servers of a Docker engine from the deployment’s images, reachable from this machine alone', async () => {
    const images = await evaluate(
      'stack/compose-parts.mjs',
      `script.imagesOf('services:\\n  kafka: { image: "apache/kafka:4" }\\n  redis: { image: "redis:7" }\\n  api: { build: . }')`,
    );
    expect(images).toEqual({ kafka: 'apache/kafka:4', redis: 'redis:7' });
    const services = await evaluate(
      'stack/compose-parts.mjs',
      `script.services(['kafka', 'redis'], { images: ${JSON.stringify(images)}, ports: { kafka: 1111, redis: 2222 }, password: 'p' })`,
    );
    expect(services).toMatchObject({
      kafka: {
        image: 'apache/kafka:4',
        ports: ['127.0.0.1:1111:19092'],
        environment: {
          KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://127.0.0.1:1111',
          KAFKA_PROCESS_ROLES: 'broker,controller',
        },
      },
      redis: { image: 'redis:7', ports: ['127.0.0.1:2222:6379'] },
    });
  });
});

const describeAsRoot = process.getuid?.() === 0 && process.platform === 'linux' ? describe : describe.skip;
describeAsRoot('scripts/stack.mjs as root where apt-get is', () => {
  it('installs what is missing, says so, and goes on', async () => {
    const path = pathWith({});
    const log = join(path, 'log');
    writeFileSync(join(path, 'redis-server.installed'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    writeFileSync(
      join(path, 'apt-get'),
      `#!/bin/sh\necho "$@" >> ${log}\n[ "$1" = install ] && /bin/mv ${path}/redis-server.installed ${path}/redis-server\nexit 0\n`,
      { mode: 0o755 },
    );
    const code = `
      const { provide } = await import('./scripts/stack/system-packages.mjs');
      provide(['redis-server'], console.log);
      console.log('provided');`;
    const run = spawnNode(['--input-type=module', '-e', code], { PATH: path });
    await run.untilLine(/^provided$/);
    expect(run.stdout[0]).toMatch(/^installing .*redis-server.* with apt-get/);
    expect(readFileSync(log, 'utf8').split('\n')).toEqual([
      '--version',
      'update -qq',
      'install -y -qq --no-install-recommends redis-server',
      '',
    ]);
  });
});

describe('what is built and installed', () => {
  it('is made again when a file was changed, renamed, added or removed, and not otherwise', async () => {
    const trees = [
      { 'a.ts': 'x', 'b.ts': 'y' },
      { 'b.ts': 'y', 'a.ts': 'x' },
      { 'a.ts': 'x', 'b.ts': 'z' },
      { 'a.ts': 'x' },
      { 'a.ts': 'x', 'c.ts': 'y' },
    ];
    const hashes = [];
    for (const [index, tree] of trees.entries()) {
      const directory = join(sandbox, `tree-${index}`, 'apps');
      mkdirSync(directory, { recursive: true });
      for (const [name, text] of Object.entries(tree)) writeFileSync(join(directory, name), text);
      const root = JSON.stringify(join(sandbox, `tree-${index}`));
      hashes.push(
        await evaluate(
          'stamp.mjs',
          `script.hashOf(script.filesBelow(${root}, ['apps', 'absent'], (path) => path.endsWith('.ts')))`,
        ),
      );
    }
    expect(hashes[1]).toBe(hashes[0]);
    expect(new Set(hashes).size).toBe(4);
  });
});
