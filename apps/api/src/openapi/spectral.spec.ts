import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { shippedProfiles } from '#libs/testing/shipped-profiles';
import { serveApi } from '../served-api.contract.js';

const SPECTRAL = resolve('node_modules/@stoplight/spectral-cli/dist/index.js');

interface Finding {
  code: string;
  message: string;
  path: string[];
  source: string;
}

/** What spectral finds in the files, warnings included. */
function lint(files: readonly string[]): Promise<Finding[]> {
  const command = [SPECTRAL, 'lint', '--ruleset', '.spectral.yaml', '--format', 'json', '--quiet', ...files];
  return new Promise((done, failed) => {
    execFile(process.execPath, command, { maxBuffer: 100_000_000 }, (_, stdout, stderr) => {
      try {
        done(JSON.parse(stdout) as Finding[]);
      } catch {
        failed(new Error(stdout + stderr));
      }
    });
  });
}

describe('the OpenAPI documents of the running server', () => {
  let directory: string;
  const files: string[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'latchkey-openapi-'));
    const api = await serveApi();
    for (const { name, versions } of shippedProfiles.all) {
      for (const date of versions?.dated.map((version) => version.date) ?? ['']) {
        const target = `/openapi.json${date === '' ? '' : `?version=${date}`}`;
        const { status, body } = await api.send('GET', target, [], '', `${name}.localhost`);
        expect([name, status]).toEqual([name, 200]);
        const file = join(directory, `${name}${date}.json`);
        await writeFile(file, body);
        files.push(file);
      }
    }
    await api.close();
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('pass spectral without an error or a warning, in every version', async () => {
    expect(files.length).toBeGreaterThanOrEqual(8);
    const found = await lint(files);
    expect(found.map(({ code, path, source }) => `${source} ${path.join('.')}: ${code}`)).toEqual([]);
  }, 60_000);

  it('would not pass it with an operation that does not say what it answers', async () => {
    const broken = join(directory, 'broken.json');
    const openapi = {
      openapi: '3.1.0',
      info: { title: 'Broken', version: '1', description: 'Broken.' },
      servers: [{ url: 'https://a.example' }],
      paths: {
        '/a/{id}': { get: { operationId: 'a', tags: ['a'], responses: { 400: { description: 'Bad.' } } } },
      },
    };
    await writeFile(broken, JSON.stringify(openapi));
    const codes = (await lint([broken])).map(({ code }) => code);
    expect(codes).toEqual(
      expect.arrayContaining(['errors-have-a-body', 'path-params', 'operation-success-response']),
    );
  }, 60_000);
});
