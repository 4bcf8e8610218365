import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { shippedProfiles } from '#libs/testing/shipped-profiles';

jest.setTimeout(600_000);

interface Ended {
  code: number;
  output: string;
}

function fuzz(args: readonly string[]): Promise<Ended> {
  return new Promise((done) => {
    const command = ['scripts/schemathesis.mjs', ...args];
    execFile(process.execPath, command, { maxBuffer: 100_000_000 }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), output: stdout + stderr });
    });
  });
}

describe('npm run fuzz', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'latchkey-fuzz-test-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('finds every product held to its document, in every version: no 500, and nothing that it does not name', async () => {
    const { code, output } = await fuzz(['--examples', '5']);
    const held = output
      .match(/^.+: held, \d{3,} cases of \d+ operations/gm)
      ?.map((line) => line.split(':')[0]);
    const documents = shippedProfiles.all.flatMap(({ name, versions }) => [
      name,
      ...(versions?.dated.slice(0, -1).map(({ date }) => `${name} ${date}`) ?? []),
    ]);
    expect([output.match(/NOT held[^]*/)?.[0], held?.toSorted()]).toEqual([undefined, documents.toSorted()]);
    expect(code).toBe(0);
  });

  it('tells where a server does what its document does not say', async () => {
    const document = join(directory, 'seyn.json');
    const operation = {
      operationId: 'listKnowledge',
      responses: {
        200: {
          description: 'A page.',
          content: { 'application/json': { schema: { type: 'object', required: ['total'] } } },
        },
      },
    };
    const openapi = {
      openapi: '3.1.0',
      info: { title: 'Not what it is', version: '1' },
      paths: { '/api/v1/knowledge': { get: operation } },
    };
    await writeFile(document, JSON.stringify(openapi));
    const { code, output } = await fuzz(['--profile', 'seyn', '--examples', '3', '--document', document]);
    expect(code).toBe(1);
    expect(output).toMatch(/^seyn: NOT held/m);
    expect(output).toContain('"total" is a required property');
  });

  it('ends with its usage where it is asked for what is not there', async () => {
    for (const args of [
      ['--profile', 'none'],
      ['--examples', '0'],
      ['--document', 'x.json'],
    ]) {
      const { code, output } = await fuzz(args);
      expect([args, code]).toEqual([args, 1]);
      expect(output).toContain('[--examples N]');
    }
  });
});
