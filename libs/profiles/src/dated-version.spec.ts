import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ShownMembers, type VersionChange, versionChangeOf } from './dated-version.js';
import type { JsonObject, ObjectSchema } from './json-schema.js';
import { schemaCheck } from './json-schema.js';

const newest: ObjectSchema = {
  type: 'object',
  required: ['kind', 'transport', 'tier'],
  properties: {
    kind: { enum: ['active', 'paused', 'lost'] },
    transport: { type: 'string', minLength: 1 },
    tier: { enum: ['free', 'paid'] },
    note: { type: 'string' },
  },
  additionalProperties: false,
};
const collection = 'connections';
/** Oldest first, as between three versions. */
const changes: VersionChange[] = [
  versionChangeOf({ collection, kind: 'renamed', property: 'kind', before: 'status' }),
  versionChangeOf({ collection, kind: 'values-renamed', property: 'kind', values: { enabled: 'active' } }),
  versionChangeOf({ collection, kind: 'required', property: 'transport', absentMeans: 'direct' }),
  versionChangeOf({
    collection,
    kind: 'replaced',
    property: 'billed',
    schema: { type: 'boolean' },
    by: 'tier',
    pairs: [
      { older: false, newer: 'free' },
      { older: true, newer: 'paid' },
    ],
  }),
  versionChangeOf({ collection, kind: 'required', property: 'tier', absentMeans: 'free' }),
  versionChangeOf({
    collection,
    kind: 'removed',
    property: 'relay',
    schema: { type: 'boolean' },
    shows: false,
  }),
];
const back = changes.toReversed();
const written = back.reduce((schema, change) => change.schemaBack(schema), newest);
const shown = back.reduce((schema, change) => change.shownBack(schema), newest);
const members = back.reduce<ShownMembers>(
  (all, change) => change.back(all),
  new Map(Object.keys(newest.properties).map((name) => [name, (body: JsonObject) => body[name]])),
);
const forward = (body: JsonObject, whole: boolean) =>
  changes.reduce((changed, change) => change.forward(changed, whole), body);
const showing = (body: JsonObject) =>
  Object.fromEntries(
    [...members]
      .map(([name, read]) => [name, read(body)] as const)
      .filter(([, value]) => value !== undefined),
  );

const text = fc.string({ minLength: 1 });
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const present = (object: object) => JSON.parse(JSON.stringify(object)) as JsonObject;
const documents = fc
  .record({
    kind: fc.constantFrom('active', 'paused', 'lost'),
    transport: text,
    tier: fc.constantFrom('free', 'paid'),
    note: optional(text),
  })
  .map(present);
const oldRequests = fc
  .record({
    status: fc.constantFrom('enabled', 'paused', 'lost'),
    transport: optional(text),
    note: optional(text),
    billed: optional(fc.boolean()),
    tier: optional(fc.constantFrom('free', 'paid')),
    relay: optional(fc.boolean()),
  })
  .map(present);

describe('the changes between versions', () => {
  it('take what the oldest version allows to what the newest allows', () => {
    fc.assert(
      fc.property(oldRequests, (request) => {
        expect(schemaCheck(written)(request)).toEqual([]);
        expect(schemaCheck(newest)(forward(request, true))).toEqual([]);
      }),
    );
  });

  it('show what is kept as the oldest version says that it is shown', () => {
    fc.assert(
      fc.property(documents, (document) => {
        expect(schemaCheck(newest)(document)).toEqual([]);
        expect(schemaCheck(shown)(showing(document))).toEqual([]);
      }),
    );
  });

  it('lose nothing on the way forward and back, but what was removed', () => {
    fc.assert(
      fc.property(oldRequests, (request) => {
        const { billed = request['tier'] === 'paid' } = request;
        const expected = {
          transport: 'direct',
          ...request,
          billed,
          tier: billed === true ? 'paid' : 'free',
          relay: false,
        };
        expect(showing(forward(request, true))).toEqual(expected);
      }),
    );
    fc.assert(
      fc.property(documents, (document) => expect(forward(showing(document), true)).toEqual(document)),
    );
  });

  it('give what is to be changed no more than was sent', () => {
    fc.assert(
      fc.property(fc.subarray(['status', 'transport', 'note', 'billed']), oldRequests, (names, request) => {
        const sent = Object.fromEntries(Object.entries(request).filter(([name]) => names.includes(name)));
        expect(Object.keys(forward(sent, false))).toHaveLength(Object.keys(sent).length);
      }),
    );
  });

  it('refuse in the oldest version what only newer ones have', () => {
    expect(schemaCheck(written)({ kind: 'active' })).toEqual([
      { field: 'status', message: 'must be given' },
      { field: 'kind', message: 'is unknown' },
    ]);
    expect(schemaCheck(written)({ status: 'active' })).toEqual([
      { field: 'status', message: 'must be one of "enabled", "paused", "lost"' },
    ]);
  });

  it('are done in their places: the order of what is shown stays', () => {
    expect([...members.keys()]).toEqual(['status', 'transport', 'tier', 'note', 'relay', 'billed']);
    expect(Object.keys(shown.properties)).toEqual([...members.keys()]);
  });
});
