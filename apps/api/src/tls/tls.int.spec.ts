import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fastify } from 'fastify';
import { readEnvironment } from '#libs/service-kit';
import { withFiles } from '#libs/service-kit/file-environment';
import { spawnService } from '#libs/testing/spawn-service';
import { everythingFrom, serveApi, type ServedApi, type ServedApiSettings } from '../served-api.contract.js';
import { countsEveryRequest } from '../verification/connections.contract.js';
import { routeEveryRequest } from '../verification/connection.hook.js';
import { WaitingConnections } from '../verification/waiting-connections.js';
import { tlsVariables } from './config.js';

const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), 'latchkey-api-tls-'));
const fileOf = (name: string) => join(directory, name);

/** The deployment's script makes files that hold both a key and its certificate. */
beforeAll(async () => {
  await run('deploy/make-certificates.sh', [directory]);
});
afterAll(() => rmSync(directory, { recursive: true }));

function settings(): ServedApiSettings & { authority: string } {
  const both = fileOf('kafka-tls.pem');
  const { tlsCertificate, tlsKey } = readEnvironment(tlsVariables, {
    LATCHKEY_API_TLS_CERT_FILE: both,
    LATCHKEY_API_TLS_KEY_FILE: both,
  });
  return { tlsCertificate, tlsKey, authority: readFileSync(fileOf('tls-ca.pem'), 'utf8') };
}

describe('a request over TLS whose connection ends early, or never was usual', () => {
  countsEveryRequest(() => serveApi(settings()));
});

describe('the api with a certificate', () => {
  let api: ServedApi;
  beforeEach(async () => {
    api = await serveApi(settings());
  });
  afterEach(() => api.close());

  const dialPlain = (bytes: string): Socket => {
    const socket = connect(Number(new URL(api.httpUrl).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(bytes);
    return socket;
  };

  it('is served, with its health and metrics, over HTTPS on its one port', async () => {
    expect(api.httpUrl).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect((await api.send('GET', '/v1/whoami')).status).toBe(200);
    expect((await api.send('GET', '/health/ready', [])).status).toBe(200);
    expect((await api.send('GET', '/metrics', [])).body).toContain('latchkey_faults_total');
  });

  it('takes no plain HTTP: nothing is answered, and no key is looked at', async () => {
    const head = 'Host: api.test\r\nAuthorization: Bearer good\r\n';
    expect(await everythingFrom(dialPlain(`GET /v1/whoami HTTP/1.1\r\n${head}\r\n`))).toBe('');
    expect(api.verifier.asked).toHaveLength(0);
  });

  it('lets go of a client that never begins the handshake', async () => {
    const { tlsCertificate: cert, tlsKey: key } = settings();
    const server = fastify({ https: { cert, key, handshakeTimeout: 100 } as object });
    routeEveryRequest(server, new WaitingConnections());
    await server.listen({ port: 0, host: '127.0.0.1' });
    const silent = connect((server.server.address() as AddressInfo).port, '127.0.0.1');
    expect(await everythingFrom(silent)).toBe('');
    await server.close();
  });

  it('goes on when a client leaves in the middle of the handshake', async () => {
    dialPlain('\x16\x03\x01').destroy();
    expect((await api.send('GET', '/v1/whoami')).status).toBe(200);
  });

  it('is asked for its health by the container, which knows that it has a certificate', async () => {
    const port = new URL(api.httpUrl).port;
    const ask = (env: NodeJS.ProcessEnv) => run(process.execPath, ['deploy/healthcheck.mjs', port], { env });
    await expect(ask({ LATCHKEY_API_TLS_CERT_FILE: fileOf('kafka-tls.pem') })).resolves.toBeDefined();
    await expect(ask({})).rejects.toThrow('Command failed');
  });
});

describe('the configuration of the certificate', () => {
  function problemsOf(certificate: string, key: string): string[] {
    try {
      const environment = { LATCHKEY_API_TLS_CERT_FILE: certificate, LATCHKEY_API_TLS_KEY_FILE: key };
      readEnvironment(tlsVariables, withFiles(environment));
    } catch (error) {
      return (error as { problems: string[] }).problems;
    }
    return [];
  }

  it('may be absent, and is then plain HTTP', () => {
    expect(problemsOf('', '')).toEqual([]);
  });

  it('is a pair, also in one file', () => {
    expect(problemsOf(fileOf('kafka-tls.pem'), fileOf('kafka-tls.pem'))).toEqual([]);
  });

  it.each([
    [
      'only a certificate',
      'kafka-tls.pem',
      '',
      [/^LATCHKEY_API_TLS_KEY_FILE is not set, and .*CERT_FILE is$/],
    ],
    ['only a key', '', 'kafka-tls.pem', [/^LATCHKEY_API_TLS_CERT_FILE is not set, and .*KEY_FILE is$/]],
    ['no such file', 'none', 'kafka-tls.pem', [/^LATCHKEY_API_TLS_CERT_FILE .*can't be read \(ENOENT\)/]],
    [
      'neither file',
      'none',
      'nor',
      [/^LATCHKEY_API_TLS_CERT_FILE .*ENOENT/, /^LATCHKEY_API_TLS_KEY_FILE .*ENOENT/],
    ],
    [
      'no certificate',
      'text',
      'kafka-tls.pem',
      [/^LATCHKEY_API_TLS_CERT_FILE .*holds no certificate in PEM form/],
    ],
    ['an empty file', 'kafka-tls.pem', 'empty', [/^LATCHKEY_API_TLS_KEY_FILE .*holds no private key/]],
    ['a certificate as key', 'kafka-tls.pem', 'tls-ca.pem', [/^LATCHKEY_API_TLS_KEY_FILE .*no private key/]],
    [
      'the key of another',
      'kafka-tls.pem',
      'redis-tls.pem',
      [/^LATCHKEY_API_TLS_KEY_FILE .*not that of the certificate in LATCHKEY_API_TLS_CERT_FILE/],
    ],
  ])('with %s says what is wrong', (_, certificate, key, problems) => {
    writeFileSync(fileOf('text'), 'no certificate');
    writeFileSync(fileOf('empty'), '');
    const path = (name: string) => (name === '' ? '' : fileOf(name));
    expect(problemsOf(path(certificate), path(key))).toEqual(problems.map((p) => expect.stringMatching(p)));
  });

  it('that is wrong ends the process with 78 before anything listens', async () => {
    const api = spawnService('api', {
      LATCHKEY_SERVICE_TOKEN: 'a-service-token-of-the-api',
      KAFKA_BROKERS: '127.0.0.1:1',
      LATCHKEY_API_TLS_CERT_FILE: fileOf('kafka-tls.pem'),
      LATCHKEY_API_TLS_KEY_FILE: fileOf('redis-tls.pem'),
    });
    expect(await api.exited).toEqual({ code: 78, signal: null });
    expect(api.stderr.join('\n')).toContain('LATCHKEY_API_TLS_KEY_FILE');
    expect(api.stdout).toEqual([]);
  });
});
