import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { spawnNode, spawnService } from '#libs/testing/spawn-service';

const directory = mkdtempSync(join(tmpdir(), 'latchkey-profile-check-'));
cpSync('deploy/profiles', directory, { recursive: true });
const shipped = readFileSync('deploy/profiles/synaptiq.yaml', 'utf8');
const broken = join(directory, 'mine.yaml');
writeFileSync(
  broken,
  shipped.replace('randomLength: 30', 'randomLength: 5').replace('scope: read, plan', 'scope: reed, plan'),
);
const MISTAKES = [
  `${broken}: keys.format.randomLength: must not be less than 8`,
  `${broken}: rateLimit.rows.0: names no scope of the profile: reed`,
  `${broken}: rateLimit.rows: has none for the scope read and the plan starter`,
  `${broken}: name: must be that of the file, mine`,
];

afterAll(() => rmSync(directory, { recursive: true }));

/** Runs what `npm run profile:check` runs, to its end. */
async function check(...paths: string[]) {
  const run = spawnNode(['scripts/profile-check.mjs', ...paths], {});
  const { code } = await run.exited;
  return { code, stdout: run.stdout, stderr: run.stderr.join('\n') };
}

describe('npm run profile:check', () => {
  it('says of each good profile what it has, and ends with 0', async () => {
    const { code, stdout } = await check('deploy/profiles');
    expect(code).toBe(0);
    expect(stdout).toHaveLength(6);
    expect(stdout).toContainEqual(
      expect.stringMatching(/^synaptiq: 2 hosts, 3 scopes, 9 rate limits, \d+ error causes: no mistake$/),
    );
  });

  it('prints every mistake of every file and those among them, one a line, and ends with 78', async () => {
    const twin = join(directory, 'twin.yaml');
    writeFileSync(twin, shipped.replace('name: synaptiq', 'name: twin'));
    const { code, stdout } = await check(broken, 'deploy/profiles/synaptiq.yaml', twin);
    rmSync(twin);
    expect(code).toBe(78);
    expect(stdout).toEqual([
      ...MISTAKES,
      'the host synaptiq.localhost is claimed by synaptiq and twin',
      'the host synaptiqintel.com is claimed by synaptiq and twin',
    ]);
  });

  it.each([
    ['nothing', [], 'npm run profile:check -- FILE_OR_DIRECTORY'],
    ['a path that is not there', ['deploy/none.yaml'], 'there is no deploy/none.yaml'],
    ['an option', ['--fix'], 'there is no --fix'],
  ])('says how it is used, and ends with 64, when given %s', async (_, paths, text) => {
    const { code, stderr } = await check(...paths);
    expect(code).toBe(64);
    expect(stderr).toContain(text);
  });
});

describe('a service that is started with a broken profile', () => {
  it('prints all of its mistakes at once and exits 78', async () => {
    const service = spawnService('auth-verifier', {
      LATCHKEY_PROFILES: 'default,mine',
      LATCHKEY_PROFILES_DIR: directory,
    });
    expect(await service.exited).toEqual({ code: 78, signal: null });
    const printed = service.stderr.map((line) => line.trim());
    expect(printed).toContain('- LATCHKEY_PROFILES names profiles with mistakes:');
    expect(printed).toEqual(expect.arrayContaining(MISTAKES));
  });
});
