import { describe, expect, it } from '@jest/globals';
import {
  fileOf,
  manifestText,
  OperationRefused,
  parseManifest,
  referredFirst,
  type TableName,
  unknownMigrations,
} from './backup-manifest.js';

const CONTENT = {
  takenAt: '2026-01-02T03:04:05.000Z',
  serverVersion: '18.0',
  schemas: [{ schema: 'keys' as const, migrations: ['First1', 'Second2'] }],
  tables: [{ schema: 'keys' as const, table: 'events', columns: ['position'], rows: 3, sha256: 'ab' }],
  sequences: [
    {
      schema: 'keys' as const,
      sequence: 'events_position_seq',
      lastValue: '9007199254740993',
      isCalled: true,
    },
  ],
};
const table = (name: string): TableName => ({ schema: 'keys', table: name });

describe('the manifest', () => {
  it('is read as it was written', () => {
    expect(parseManifest(manifestText(CONTENT))).toEqual({ formatVersion: 1, ...CONTENT });
  });

  it('is refused when a single digit of it is another', () => {
    const text = manifestText(CONTENT);
    for (const [from, to] of [
      ['"rows": 3', '"rows": 4'],
      ['0993"', '0992"'],
      ['"First1"', '"First2"'],
    ] as const) {
      expect(text).toContain(from);
      expect(() => parseManifest(text.replace(from, to))).toThrow(OperationRefused);
    }
  });

  it.each(['', 'null', '[]', '{', '{"formatVersion":1}', manifestText(CONTENT).slice(0, -20)])(
    'is refused when it is %j',
    (text) => expect(() => parseManifest(text)).toThrow('manifest.json is damaged'),
  );
});

it('gives each table of each schema a file of its own', () => {
  expect(fileOf(table('events'))).toBe('keys.events.copy.gz');
});

it('puts a table after all that it refers to, also through others and around a circle', () => {
  const references = new Map([
    ['keys.a', ['keys.b', 'keys.elsewhere']],
    ['keys.b', ['keys.c']],
    ['keys.d', ['keys.d', 'keys.e']],
    ['keys.e', ['keys.d']],
  ]);
  const ordered = referredFirst(['a', 'b', 'c', 'd', 'e'].map(table), references);
  expect(ordered.map((each) => each.table)).toEqual(['c', 'b', 'a', 'e', 'd']);
});

it('names the migrations that are not known, by schema', () => {
  const known = { keys: ['First1'], usage: ['Second2'], api: [], log: [] };
  expect(unknownMigrations(CONTENT, known)).toEqual(['keys.Second2']);
});
