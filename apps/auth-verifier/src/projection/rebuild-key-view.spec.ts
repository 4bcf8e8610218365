import { describe, expect, it } from '@jest/globals';
import {
  ExampleAuthority,
  forger,
  LosableKeyView,
  seal,
  secretRecord,
  tenantRecord,
} from '#libs/verification/record-examples.contract';
import { rebuildKeyView } from './rebuild-key-view.js';
import { ViewCompleteness } from './view-completeness.js';

const records = Array.from({ length: 7 }, (_, index) =>
  secretRecord({ keyId: `key-${index}`, tenantId: `tenant-${index % 3}`, version: index + 1 }),
);
const ids = records.map(({ digest }) => ({ kind: 'secret', id: digest }) as const);

function given() {
  const authority = new ExampleAuthority();
  for (const record of records) authority.knows(record);
  const view = new LosableKeyView();
  const unsound: unknown[] = [];
  return {
    authority,
    view,
    unsound,
    projection: { view, seal, onUnsound: (at: unknown) => unsound.push(at) },
  };
}

describe('rebuilding the view', () => {
  it('puts all pages of secrets and tenants into it and marks it complete', async () => {
    const { authority, view, projection } = given();
    expect(await rebuildKeyView(projection, authority)).toEqual({ secrets: 7, tenants: 3, refused: 0 });
    expect(await view.find(ids)).toEqual(records.map((record) => seal.seal('secret', record)));
    expect(await view.find([{ kind: 'tenant', id: 'tenant-2' }])).toEqual([
      seal.seal('tenant', tenantRecord({ tenantId: 'tenant-2' })),
    ]);
    expect(await view.isComplete()).toBe(true);
  });

  it('marks the view of an empty store complete', async () => {
    const { view, projection } = given();
    await rebuildKeyView(projection, new ExampleAuthority());
    expect(await view.isComplete()).toBe(true);
  });

  it('changes nothing when it is done again, and several at once do no harm', async () => {
    const { authority, view, projection } = given();
    await Promise.all([1, 2, 3].map(() => rebuildKeyView(projection, authority)));
    expect(await view.find(ids)).toEqual(records.map((record) => seal.seal('secret', record)));
  });

  it('leaves what came by message meanwhile, when that is newer', async () => {
    const { authority, view, projection } = given();
    const [first] = records as [(typeof records)[0]];
    const newer = seal.seal('secret', { ...first, keyState: 'revoked', version: 50 });
    await view.put(ids[0] as (typeof ids)[0], 50, newer);
    await rebuildKeyView(projection, authority);
    expect((await view.find(ids))[0]).toEqual(newer);
  });

  it('refuses what another sealed, and counts it', async () => {
    const { authority, view, unsound, projection } = given();
    authority.sealing = forger;
    expect(await rebuildKeyView(projection, authority)).toMatchObject({ refused: 10 });
    expect(unsound).toHaveLength(10);
    expect(await view.find(ids)).toEqual(ids.map(() => undefined));
  });

  it('does not call a view complete that was emptied on the way', async () => {
    const { authority, view, projection } = given();
    const listSecrets = authority.listSecrets.bind(authority);
    authority.listSecrets = (cursor) => {
      if (cursor === '4') view.clear();
      return listSecrets(cursor);
    };
    await expect(rebuildKeyView(projection, authority)).rejects.toThrow('emptied');
    expect(await view.isComplete()).toBe(false);
  });
});

describe('the completeness of the view', () => {
  it('is restored when the view was emptied, and nothing is asked while it holds', async () => {
    const { authority, view, projection } = given();
    const rebuilt: unknown[] = [];
    const completeness = new ViewCompleteness(projection, authority, {
      onRebuilt: (counts) => rebuilt.push(counts),
      onFailure: () => undefined,
    });
    await completeness.ensure();
    await completeness.ensure();
    expect(rebuilt).toHaveLength(1);
    view.clear();
    await completeness.ensure();
    expect(rebuilt).toHaveLength(2);
    expect(await view.find(ids)).toEqual(records.map((record) => seal.seal('secret', record)));
  });

  it('is tried again after a failure, which is told once', async () => {
    const { authority, view, projection } = given();
    const failures: unknown[] = [];
    const completeness = new ViewCompleteness(projection, authority, {
      onRebuilt: () => undefined,
      onFailure: (error) => failures.push(error),
    });
    authority.away = true;
    await completeness.ensure();
    await completeness.ensure();
    expect(failures).toHaveLength(1);
    authority.away = false;
    await completeness.ensure();
    expect(await view.isComplete()).toBe(true);
  });

  it('is restored once for all who ask at the same time', async () => {
    const { authority, projection } = given();
    const rebuilt: unknown[] = [];
    const completeness = new ViewCompleteness(projection, authority, {
      onRebuilt: (counts) => rebuilt.push(counts),
      onFailure: () => undefined,
    });
    await Promise.all([completeness.ensure(), completeness.ensure(), completeness.ensure()]);
    expect(rebuilt).toHaveLength(1);
  });
});
