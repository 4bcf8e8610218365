import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { METHODS } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readAccessLog } from '../scripts/replay/access-log.js';
import { comparison, countByClient, countsAsText, differencesOf } from '../scripts/replay/counts.js';
import { readKill } from '../scripts/replay/kills.js';
import { tenantIdOf } from '../scripts/replay/tenant-id.js';

const FIXTURE = 'test/fixtures/access.log';

function lineOf(request: string, client = '192.0.2.1', rest = '200 12 "-" "curl/8.5.0"'): string {
  return `${client} - - [14/Mar/2026:06:00:07 +0000] "${request}" ${rest}`;
}

function targetsOf(...lines: string[]): string[] {
  return readAccessLog(lines.join('\n'), METHODS).requests.map(({ target }) => target);
}

describe('reading an access log', () => {
  it('reads every line of the log that the repository keeps', () => {
    const { requests, unreadable } = readAccessLog(readFileSync(FIXTURE, 'latin1'), METHODS);

    expect(unreadable).toEqual([]);
    expect(requests).toHaveLength(200);
    expect(new Set(requests.map(({ method }) => method))).toEqual(
      new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']),
    );
    expect(countByClient(requests).size).toBe(13);
  });

  it('keeps line, client, method and target as they are', () => {
    const text = `${lineOf('GET / HTTP/1.1')}\n${lineOf('DELETE //a/../%2e%2e/%zz?q=%#x HTTP/1.0', '2001:db8::1')}\n`;

    expect(readAccessLog(text, METHODS).requests).toEqual([
      { line: 1, client: '192.0.2.1', method: 'GET', target: '/' },
      { line: 2, client: '2001:db8::1', method: 'DELETE', target: '//a/../%2e%2e/%zz?q=%#x' },
    ]);
  });

  it('takes back what Apache escapes, to the byte', () => {
    expect(targetsOf(lineOf(String.raw`GET /\"a\"\\b\xc3\xa9 HTTP/1.1`))).toEqual(['/"a"\\b\u00c3\u00a9']);
  });

  it('reads a line whose user agent is cut off, and one whose user name has a space', () => {
    expect(
      targetsOf(
        lineOf('GET /cut HTTP/1.1', '192.0.2.1', '200 12 "-" "Mozilla/5.0 (compat'),
        '192.0.2.1 - ada lovelace [14/Mar/2026:06:00:07 +0000] "GET /named HTTP/1.1" 200 1',
      ),
    ).toEqual(['/cut', '/named']);
  });

  it.each([
    ['is not in the combined log format', '192.0.2.1 GET /'],
    ['is not in the combined log format', ''],
    ['has no request line', lineOf('-')],
    ['has no request line', lineOf('GET /without-version')],
    ['has no request line', lineOf('GET /with space HTTP/1.1')],
    ['has no request line', lineOf(String.raw`\x16\x03\x01`)],
    ['has the method BREW, which no HTTP server of Node accepts', lineOf('BREW /coffee HTTP/1.1')],
    ['has a target with control characters', lineOf(String.raw`GET /bell\x07 HTTP/1.1`)],
    ['has a target of more than 15360 bytes', lineOf(`GET /${'a'.repeat(16_384)} HTTP/1.1`)],
  ])('tells the number of a line that %s', (reason, bad) => {
    const log = readAccessLog(
      [lineOf('GET /1 HTTP/1.1'), bad, lineOf('GET /3 HTTP/1.1')].join('\n'),
      METHODS,
    );

    expect(log.unreadable).toEqual([{ line: 2, reason }]);
    expect(log.requests.map(({ line }) => line)).toEqual([1, 3]);
  });
});

describe('comparing counts with the log', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'latchkey-replay-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** What the printed command says of a log and the counts of its keys. */
  function compare(log: string, counts: ReadonlyMap<string, number>) {
    const [logPath, countsPath] = [join(directory, "it's a.log"), join(directory, 'counts.tsv')];
    writeFileSync(logPath, log, 'latin1');
    writeFileSync(countsPath, countsAsText(counts), 'latin1');
    const { unreadable } = readAccessLog(log, METHODS);
    const command = comparison(logPath, countsPath, unreadable);
    const { status, stdout } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
    return { status, stdout };
  }

  it('finds the log equal to its own counts, by the shell and by itself', () => {
    const log = readFileSync(FIXTURE, 'latin1');
    const counts = countByClient(readAccessLog(log, METHODS).requests);

    expect(compare(log, counts)).toEqual({ status: 0, stdout: 'equal\n' });
    expect(differencesOf(counts, new Map(counts))).toEqual([]);
  });

  it('leaves out of the comparison the lines that were not sent', () => {
    const log = ['nonsense', lineOf('GET / HTTP/1.1'), lineOf('-'), lineOf('GET / HTTP/1.1')].join('\n');

    expect(compare(log, new Map([['192.0.2.1', 2]]))).toEqual({ status: 0, stdout: 'equal\n' });
  });

  it.each([
    ['one request too few', new Map([['192.0.2.1', 1]])],
    ['one request too many', new Map([['192.0.2.1', 3]])],
    ['no count of a client', new Map<string, number>()],
    [
      'a client that the log does not have',
      new Map([
        ['192.0.2.1', 2],
        ['192.0.2.2', 1],
      ]),
    ],
  ])('tells apart %s', (_, counted) => {
    const log = [lineOf('GET /1 HTTP/1.1'), lineOf('GET /2 HTTP/1.1')].join('\n');
    const logged = countByClient(readAccessLog(log, METHODS).requests);

    expect(compare(log, counted).status).toBe(1);
    expect(differencesOf(logged, counted)).toHaveLength(1);
  });
});

describe('the tenant of a client', () => {
  it('is a tenant id for every kind of address, and another one for each', () => {
    const clients = [
      '192.0.2.1',
      '192-0-2-1',
      '2001:db8::1',
      '2001:DB8::1',
      '::1',
      'host.example',
      'x'.repeat(300),
    ];
    const ids = clients.map(tenantIdOf);

    for (const id of ids) expect(id).toMatch(/^[a-z0-9][a-z0-9_-]{0,62}$/);
    expect(new Set(ids).size).toBe(clients.length);
  });
});

describe('what is killed on the way', () => {
  it('is a service after a number of requests', () => {
    expect(readKill('verifier@5000')).toEqual({ app: 'auth-verifier', afterRequests: 5000 });
    expect(readKill('usage@1')).toEqual({ app: 'usage', afterRequests: 1 });
  });

  it.each(['verifier', 'verifier@', 'verifier@0', 'verifier@x', 'kafka@10', '@10'])('is not %s', (text) => {
    expect(() => readKill(text)).toThrow(`--kill ${text}: it is SERVICE@REQUESTS`);
  });
});
