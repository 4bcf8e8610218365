import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, readEnvironment, secret, text } from './environment.js';
import { withFiles } from './file-environment.js';

const table = {
  token: secret('LATCHKEY_TOKEN', 'a token'),
  name: text('LATCHKEY_NAME', null, 'a name'),
};

describe('a variable given as a file', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'latchkey-environment-'));
    writeFileSync(join(directory, 'token'), 'a-token-of-some-length\n');
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  function problemsOf(environment: NodeJS.ProcessEnv): readonly string[] {
    try {
      readEnvironment(table, withFiles(environment));
    } catch (error) {
      if (error instanceof ConfigurationError) return error.problems;
      throw error;
    }
    return [];
  }

  it('has the content of the file, without the line end', () => {
    const environment = { LATCHKEY_TOKEN_FILE: join(directory, 'token'), LATCHKEY_NAME: 'n' };
    expect(readEnvironment(table, withFiles(environment))).toEqual({
      token: 'a-token-of-some-length',
      name: 'n',
    });
  });

  it('is one problem among the others where the file can not be read', () => {
    expect(problemsOf({ LATCHKEY_TOKEN_FILE: join(directory, 'none') })).toEqual([
      "LATCHKEY_TOKEN is to come from the file in LATCHKEY_TOKEN_FILE, which can't be read (ENOENT)",
      'LATCHKEY_NAME is not set: a name',
    ]);
  });

  it('is refused where it is also given as it is', () => {
    const environment = {
      LATCHKEY_TOKEN_FILE: join(directory, 'token'),
      LATCHKEY_TOKEN: 'another-token-of-length',
    };
    expect(problemsOf({ ...environment, LATCHKEY_NAME: 'n' })).toEqual([
      'LATCHKEY_TOKEN is set, and LATCHKEY_TOKEN_FILE as well',
    ]);
  });
});
