import { describe, expect, it } from '@jest/globals';
import { collectionProblems } from './collection-problems.js';
import type { CollectionDocument } from './collections-document.request.js';
import { versionProblems } from './version-problems.js';
import type { ProfileDocument } from './profile-document.request.js';
import type { VersionChangeDocument } from './versions-document.request.js';

const TEXT = { type: 'string' };

function collection(changes: Partial<CollectionDocument> = {}): CollectionDocument {
  return {
    name: 'notes',
    idPrefix: 'note',
    methods: ['GET', 'POST', 'PATCH', 'DELETE'],
    schema: {
      type: 'object',
      required: ['title'],
      properties: { title: TEXT, userId: TEXT, size: { type: 'integer' } },
    },
    example: { title: 'a' },
    ...changes,
  };
}

const users = collection({ name: 'users', idPrefix: 'usr' });

describe('what is wrong with collections', () => {
  it('is nothing with good ones', () => {
    const good = collection({
      references: { userId: 'users' },
      forbidden: [{ methods: ['POST'], referenced: { userId: { properties: { title: { const: 'x' } } } } }],
      search: ['title'],
    });
    const inside = collection({
      name: 'lines',
      idPrefix: 'line',
      parent: { collection: 'notes', field: 'noteId' },
    });
    expect(collectionProblems([good, users, inside])).toEqual([]);
  });

  it.each<[string, Partial<CollectionDocument>]>([
    ['schema: is no JSON Schema', { schema: { type: 'objekt', properties: {} } }],
    ['schema: must have the type object and properties', { schema: { type: 'array' } }],
    ['schema: names id, which every document has', { schema: { type: 'object', properties: { id: TEXT } } }],
    [
      'schema: names noteId, which every document has',
      {
        parent: { collection: 'users', field: 'noteId' },
        schema: { type: 'object', properties: { noteId: TEXT } },
      },
    ],
    [
      'schema: cannot allow additionalProperties',
      { schema: { type: 'object', properties: { title: TEXT }, additionalProperties: true } },
    ],
    [
      'schema: has oneOf beside type',
      { schema: { type: 'object', properties: { title: TEXT }, oneOf: [{}] } },
    ],
    [
      'schema: requires name, which is none of its properties',
      { schema: { type: 'object', properties: { title: TEXT }, required: ['name'] } },
    ],
    [
      'parent.collection: names no collection: folders',
      { parent: { collection: 'folders', field: 'folderId' } },
    ],
    ['references.userId: names no collection: people', { references: { userId: 'people' } }],
    ['references.size: is no text of the schema', { references: { size: 'users' } }],
    ['forbidden.0: must say when', { forbidden: [{ methods: ['POST'] }] }],
    ['forbidden.0.body: is no JSON Schema', { forbidden: [{ methods: ['POST'], body: { type: 'objekt' } }] }],
    [
      'forbidden.0.referenced: names userId, which is none of the references',
      { forbidden: [{ methods: ['POST'], referenced: { userId: {} } }] },
    ],
    [
      'forbidden.0.methods: names PATCH, which the collection does not have',
      { methods: ['GET', 'POST'], forbidden: [{ methods: ['PATCH'], body: {} }] },
    ],
    ['search: names size, which is no text of the schema', { search: ['size'] }],
    ['search: names constructor, which is no text of the schema', { search: ['constructor'] }],
    ['example.title: must be given', { example: {} }],
    ['example.colour: is unknown', { example: { title: 'a', colour: 'red' } }],
  ])('%s', (line, changes) => {
    const found = collectionProblems([collection(changes), users]);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`collections.0.${line}`);
  });

  it('is a name or a prefix that two have, and a parent in a parent', () => {
    expect(collectionProblems([collection(), collection()])).toEqual([
      'collections: names notes twice',
      'collections: has the idPrefix note twice',
    ]);
    const lines = collection({
      name: 'lines',
      idPrefix: 'line',
      parent: { collection: 'notes', field: 'noteId' },
    });
    const words = collection({
      name: 'words',
      idPrefix: 'word',
      parent: { collection: 'lines', field: 'lineId' },
    });
    expect(collectionProblems([collection(), lines, words])).toEqual([
      'collections.2.parent.collection: has a parent itself',
    ]);
  });
});

describe('what is wrong with versions', () => {
  const kinds = collection({
    schema: {
      type: 'object',
      required: ['title'],
      properties: { title: TEXT, state: { enum: ['active', 'paused'] } },
    },
  });
  const problemsOf = (changes: VersionChangeDocument[], more: Partial<ProfileDocument> = {}) =>
    versionProblems({
      managedKeysPath: '/keys',
      collections: [kinds],
      versions: {
        header: 'Acme-Version',
        accountPath: '/account/api-version',
        dated: [
          { date: '2025-01-01', changeLog: ['First.'], changes: [] },
          { date: '2026-01-01', changeLog: ['Second.'], changes },
        ],
      },
      ...more,
    } as unknown as ProfileDocument);
  const notes = { collection: 'notes' } as const;
  const replacedBy = {
    ...notes,
    kind: 'replaced',
    property: 'on',
    schema: { type: 'boolean' },
    by: 'state',
  } as const;

  it('is nothing with good ones', () => {
    expect(
      problemsOf([
        { ...notes, kind: 'renamed', property: 'title', before: 'name' },
        { ...notes, kind: 'values-renamed', property: 'state', values: { enabled: 'active' } },
        { ...notes, kind: 'required', property: 'title', absentMeans: 'untitled' },
        { ...notes, kind: 'removed', property: 'size', schema: { type: 'integer' }, shows: 0 },
        {
          ...replacedBy,
          pairs: [
            { older: true, newer: 'active' },
            { older: false, newer: 'paused' },
          ],
        },
      ]),
    ).toEqual([]);
  });

  it.each<[string, VersionChangeDocument]>([
    [
      'collection: names no collection: users',
      { collection: 'users', kind: 'required', property: 'title', absentMeans: '' },
    ],
    ['must say before', { ...notes, kind: 'renamed', property: 'title' }],
    ['must say schema and shows', { ...notes, kind: 'removed', property: 'size' }],
    [
      'says values, which required does not take',
      { ...notes, kind: 'required', property: 'title', absentMeans: '', values: {} },
    ],
    [
      'names size, which the newer version does not have',
      { ...notes, kind: 'renamed', property: 'size', before: 'width' },
    ],
    [
      'names state, which the newer version has',
      { ...notes, kind: 'renamed', property: 'title', before: 'state' },
    ],
    [
      'names values that state does not have: on',
      { ...notes, kind: 'values-renamed', property: 'state', values: { enabled: 'on' } },
    ],
    [
      'gives two values of state the same older one',
      { ...notes, kind: 'values-renamed', property: 'state', values: { paused: 'active' } },
    ],
    ['needs state to be required', { ...notes, kind: 'required', property: 'state', absentMeans: 'active' }],
    [
      'names title, which the newer version has',
      { ...notes, kind: 'removed', property: 'title', schema: TEXT, shows: '' },
    ],
    [
      'names createdAt, which every document has',
      { ...notes, kind: 'renamed', property: 'title', before: 'createdAt' },
    ],
    [
      'gives two older values of state the same newer one',
      { ...notes, kind: 'values-renamed', property: 'state', values: { on: 'active', enabled: 'active' } },
    ],
    [
      'has a wrong absentMeans: it must be string',
      { ...notes, kind: 'required', property: 'title', absentMeans: 7 },
    ],
    [
      'has a wrong shows: it must be integer',
      { ...notes, kind: 'removed', property: 'size', schema: { type: 'integer' }, shows: 'none' },
    ],
    ['must say by and pairs', { ...notes, kind: 'replaced', property: 'on', schema: { type: 'boolean' } }],
    [
      'names size, which the newer version does not have',
      { ...replacedBy, by: 'size', pairs: [{ older: true, newer: 1 }] },
    ],
    [
      'must pair every value of on, which must be listed in its schema',
      { ...replacedBy, pairs: [{ older: true, newer: 'active' }] },
    ],
    [
      'must pair every value of state, which must be listed in its schema',
      {
        ...replacedBy,
        pairs: [
          { older: true, newer: 'active' },
          { older: false, newer: 'lost' },
        ],
      },
    ],
    [
      'must pair every value of title, which must be listed in its schema',
      {
        ...replacedBy,
        by: 'title',
        pairs: [
          { older: true, newer: 'a' },
          { older: false, newer: 'b' },
        ],
      },
    ],
    [
      'schema: is no JSON Schema',
      { ...notes, kind: 'removed', property: 'size', schema: { type: 'x' }, shows: 0 },
    ],
  ])('%s', (line, change) => {
    const found = problemsOf([change]);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(line);
    expect(found[0]).toMatch(/^versions\.dated\.1\.changes\.0/);
  });

  it('is that nobody could upgrade, or that they are not in order, or that the first changes something', () => {
    const dated = [
      {
        date: '2026-01-01',
        changeLog: ['Second.'],
        changes: [{ ...notes, kind: 'required', property: 'title', absentMeans: '' }],
      },
      { date: '2025-01-01', changeLog: ['First.'], changes: [] },
    ];
    const versions = { header: 'Acme-Version', accountPath: '/v', dated } as unknown as NonNullable<
      ProfileDocument['versions']
    >;
    const wrong = { versions, managedKeysPath: undefined } as unknown as Partial<ProfileDocument>;
    expect(problemsOf([], wrong)).toEqual([
      'versions: need a scope that manages keys, for who may upgrade',
      'versions.dated: must be in the order of their dates',
      'versions.dated.0.changes: must be empty: there is none before',
    ]);
  });
});
