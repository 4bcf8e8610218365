import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, readEnvironment, text } from '#libs/service-kit';
import { profileVariables } from './config.js';

const directory = mkdtempSync(join(tmpdir(), 'latchkey-config-'));
cpSync('deploy/profiles', directory, { recursive: true });
writeFileSync(join(directory, 'broken.yaml'), 'name: other\nhosts: [UPPER]\n');

afterAll(() => rmSync(directory, { recursive: true }));

const read = (environment: NodeJS.ProcessEnv) =>
  readEnvironment(profileVariables, environment).profiles.all.map(({ name }) => name);

function problemsOf(environment: NodeJS.ProcessEnv): readonly string[] {
  try {
    readEnvironment(
      { ...profileVariables, needed: text('LATCHKEY_NEEDED', null, 'what is missing') },
      environment,
    );
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

describe('LATCHKEY_PROFILES', () => {
  it('is the default profile alone unless it names more, or all', () => {
    expect(read({})).toEqual(['default']);
    expect(read({ LATCHKEY_PROFILES: ' synaptiq, default ,' })).toEqual(['synaptiq', 'default']);
    expect(read({ LATCHKEY_PROFILES: '*' })).toEqual([
      'default',
      'seyn',
      'sydnee',
      'sydx',
      'synaptiq',
      'syntropy',
    ]);
  });

  it('tells every mistake of the named profiles at once, beside what else is wrong', () => {
    const [profiles, needed, ...more] = problemsOf({
      LATCHKEY_PROFILES: 'default,broken,none',
      LATCHKEY_PROFILES_DIR: directory,
    });
    const lines = (profiles as string).split('\n    ');
    expect(lines.slice(0, 2)).toEqual([
      'LATCHKEY_PROFILES names profiles with mistakes:',
      `${directory}/none.yaml: there is no such file`,
    ]);
    expect(lines).toEqual(
      expect.arrayContaining([
        `${directory}/broken.yaml: hosts: must be host names in lower case without port, or "*"`,
        `${directory}/broken.yaml: errors: must be a mapping`,
        `${directory}/broken.yaml: name: must be that of the file, broken`,
      ]),
    );
    expect(needed).toMatch(/^LATCHKEY_NEEDED is not set/);
    expect(more).toEqual([]);
  });

  it.each([
    ['synaptiq', /the profile default is missing/],
    [',', /^LATCHKEY_PROFILES names no profile$/],
    ['default,../../etc/passwd', /passwd\.yaml: there is no such file/],
  ])('is refused as "%s"', (names, problem) => {
    expect(problemsOf({ LATCHKEY_PROFILES: names, LATCHKEY_NEEDED: 'x' })).toEqual([
      expect.stringMatching(problem),
    ]);
  });

  it('is read from another directory where one is named', () => {
    expect(problemsOf({ LATCHKEY_PROFILES_DIR: join(directory, 'none'), LATCHKEY_NEEDED: 'x' })).toEqual([
      expect.stringMatching(/none: cannot be read \(ENOENT\)/),
    ]);
  });
});
