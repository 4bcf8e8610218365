import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { ProfileMistakes, readProfile, readProfileFiles, readProfiles } from './file-profiles.js';
import {
  byTitle,
  CONTRADICTORY,
  documentWith,
  goodDocument,
  MISFORMED,
  type PlainDocument,
} from './profile-mistakes.contract.js';

const sandbox = mkdtempSync(join(tmpdir(), 'latchkey-profiles-'));
let directories = 0;

afterAll(() => rmSync(sandbox, { recursive: true }));

/** A directory of its own with the files given: text as it stands, other values as YAML. */
function directoryWith(files: Record<string, PlainDocument>): string {
  const directory = join(sandbox, String((directories += 1)));
  mkdirSync(directory);
  for (const [name, content] of Object.entries(files)) {
    const text =
      typeof content === 'string' || Buffer.isBuffer(content)
        ? content
        : stringify(content, { aliasDuplicateObjects: false });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

/** What is said of a file `synaptiq.yaml`, without its path. */
function mistakesOf(content: PlainDocument): string[] {
  const file = join(directoryWith({ 'synaptiq.yaml': content }), 'synaptiq.yaml');
  const read = readProfile(file);
  return 'mistakes' in read ? read.mistakes.map((line) => line.replace(`${file}: `, '')) : [];
}

const named = (name: string, host: string) => ({ ...goodDocument(), name, hosts: [host] });

function mistakesAmong(directory: string, names: readonly string[]): readonly string[] {
  try {
    readProfiles(directory, names);
    return [];
  } catch (error) {
    if (!(error instanceof ProfileMistakes)) throw error;
    return error.mistakes.map((line) =>
      line.replaceAll(`${directory}/`, '').replace(directory, 'the directory'),
    );
  }
}

describe('a profile without a mistake', () => {
  it('is read', () => {
    const file = join(directoryWith({ 'synaptiq.yaml': goodDocument() }), 'synaptiq.yaml');
    expect(readProfile(file)).toMatchObject({ profile: { name: 'synaptiq', managedKeysPath: '/keys' } });
  });

  it('may leave out what the document calls optional', () => {
    const changes = [
      'keys.rotation',
      'keys.maxActive',
      'managedKeysPath',
      'rateLimit',
      'scopes.rules.2.managesKeys',
    ];
    const document = documentWith([...changes.map((at) => ({ at })), { at: 'plans', value: [] }]);
    const read = readProfile(join(directoryWith({ 'synaptiq.yaml': document }), 'synaptiq.yaml'));
    expect(read).toMatchObject({
      profile: {
        managedKeysPath: null,
        rateLimit: null,
        keys: { rotation: null, maxActive: null },
        scopes: { rules: [{ managesKeys: false }, { managesKeys: false }, { managesKeys: false }] },
      },
    });
  });
});

describe('every mistake is named by its place', () => {
  it.each(byTitle([...MISFORMED, ...CONTRADICTORY]))('%s', (_, { at, value, lines }) => {
    expect(mistakesOf(documentWith([{ at, value }]))).toEqual(lines);
  });

  it('all of them at once, also where some members have a wrong form and others contradict each other', () => {
    const changes = [
      { at: 'title', value: '' },
      { at: 'keys.expiry', value: 'sometimes' },
      { at: 'keys.hint.last', value: 9 },
      { at: 'scopes.whenAbsent', value: 'all' },
      { at: 'errors.rows.6.message', value: 'Sorry.' },
    ];
    expect(mistakesOf(documentWith(changes))).toEqual([
      'title: must be one line of at most 100 characters',
      'keys.hint.last: must not be greater than 4',
      'keys.expiry: must be one of the following values: never, optional, required',
      'scopes.whenAbsent: cannot be all where the choice is one',
      'errors: must tell {errorId} for INTERNAL, in the body or in its message',
    ]);
  });
});

describe('a file that is no profile', () => {
  it.each<[string, PlainDocument, string]>([
    ['nothing', '', 'must be a mapping'],
    ['a list', '[1]', 'must be a mapping'],
    ['text', 'synaptiq', 'must be a mapping'],
    ['a member twice', 'name: a\nname: b\n', 'Map keys must be unique at line 2, column 1'],
    ['an alias', 'a: &a [x]\nb: *a\n', 'has an alias; write out what it stands for'],
    ['an alias of what is not there', 'hosts: [*]\n', 'Alias cannot be an empty string at line 1, column 9'],
    ['a tag of no known type', 'name: !secret a\n', 'Unresolved tag: !secret at line 1, column 7'],
    [
      'a key that is no text',
      '? [a]\n: b\n',
      'With stringKeys, all keys must be strings at line 1, column 3',
    ],
    [
      'two documents',
      'a: 1\n---\nb: 1\n',
      'Source contains multiple documents; please use YAML.parseAllDocuments() at line 2, column 1',
    ],
    ['a text that ends nowhere', 'name: "a', 'Missing closing "quote at line 1, column 9'],
    ['what is not UTF-8', Buffer.from([0x6e, 0xff]), 'is not UTF-8'],
    ['more than 64 KiB', `# ${'x'.repeat(65_536)}`, 'is larger than 65536 bytes'],
  ])('is refused with its place: %s', (_, content, line) => {
    expect(mistakesOf(content)).toEqual([line]);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'cannot have a member %s anywhere',
    (name) => {
      const expected = [`${name}: no member can have this name`];
      expect(mistakesOf(`${stringify(goodDocument())}\n${name}: 1\n`)).toEqual(expected);
      expect(mistakesOf(stringify(goodDocument()).replace('  body:', `  ${name}: {}\n  body:`))).toEqual(
        expected,
      );
    },
  );

  it('is refused without the names that aliases and merging would make of a small one', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]', 'b: &b [*a, *a, *a, *a, *a]', 'c: [*b, *b, *b, *b]'];
    expect(new Set(mistakesOf(bomb.join('\n')))).toEqual(
      new Set(['has an alias; write out what it stands for']),
    );
    expect(mistakesOf(`${stringify(goodDocument())}\n<<: { other: 1 }\n`)).toEqual([
      '<<: is not a member of profiles',
    ]);
  });

  it('is refused however deep it nests', () => {
    expect(mistakesOf('['.repeat(30_000)).length).toBeGreaterThan(0);
    expect(mistakesOf('['.repeat(30_000)).length).toBeLessThanOrEqual(10);
  });

  it('is named where there is none', () => {
    expect(readProfile(join(sandbox, 'none.yaml'))).toEqual({
      mistakes: [`${join(sandbox, 'none.yaml')}: cannot be read (ENOENT)`],
    });
  });
});

describe('profiles of a directory', () => {
  const directory = directoryWith({
    'default.yaml': named('default', '*'),
    'one.yaml': named('one', 'one.example'),
    'two.yaml': named('two', 'two.example'),
    'notes.txt': 'no profile',
  });

  it('are the named ones, or all', () => {
    expect(readProfiles(directory, ['default', 'two', 'two']).all.map(({ name }) => name)).toEqual([
      'default',
      'two',
    ]);
    expect(readProfiles(directory, []).all.map(({ name }) => name)).toEqual(['default', 'one', 'two']);
  });

  it.each([
    [
      'a profile that is not there',
      ['default', 'three', '../one'],
      ['three.yaml: there is no such file', expect.stringMatching(/one\.yaml: there is no such file$/)],
    ],
    ['no default', ['one'], ['the directory: the profile default is missing']],
  ])('are refused with %s', (_, names, lines) => {
    expect(mistakesAmong(directory, names)).toEqual(lines);
  });

  it('are refused where two claim a host, a profile is broken and another is missing, all at once', () => {
    const broken = directoryWith({
      'default.yaml': named('default', '*'),
      'one.yaml': named('one', 'same.example'),
      'two.yaml': named('two', 'same.example'),
      'three.yaml': { ...named('three', 'three.example'), title: '' },
    });
    expect(mistakesAmong(broken, ['default', 'one', 'two', 'three', 'four'])).toEqual([
      'four.yaml: there is no such file',
      'three.yaml: title: must be one line of at most 100 characters',
      'the host same.example is claimed by one and two',
    ]);
  });

  it('need a directory that can be read', () => {
    expect(mistakesAmong(join(sandbox, 'none'), [])).toEqual(['the directory: cannot be read (ENOENT)']);
  });

  it('are all read that can be, beside the mistakes of the others', () => {
    const files = ['default.yaml', 'none.yaml', 'two.yaml'].map((file) => join(directory, file));
    const { profiles, mistakes } = readProfileFiles(files);
    expect(profiles.map(({ name }) => name)).toEqual(['default', 'two']);
    expect(mistakes).toHaveLength(1);
  });
});
