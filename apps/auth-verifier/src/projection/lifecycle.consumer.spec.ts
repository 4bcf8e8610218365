import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  KEYS_TOPIC,
  type KeyMessage,
  type SealedRecord,
  TENANTS_TOPIC,
  type TenantMessage,
} from '#libs/contracts';
import { type RecordId, RecordSeal, type SecretRecord } from '#libs/key-view';
import {
  forger,
  LosableKeyView,
  seal,
  sealKeys,
  secretRecord,
  tenantRecord,
} from '#libs/verification/record-examples.contract';
import { PlayedLog } from '../played-log.contract.js';
import { LifecycleConsumer } from './lifecycle.consumer.js';

async function given() {
  const view = new LosableKeyView();
  const unsound: RecordId[] = [];
  const foreign: bigint[] = [];
  const evicted: string[] = [];
  const consumer = new LifecycleConsumer(
    { view, seal: new RecordSeal(sealKeys), onUnsound: (at) => unsound.push(at) },
    {
      onSecret: (digest) => evicted.push(digest),
      onForeignMessage: ({ offset }) => foreign.push(offset),
      onLag: () => undefined,
      onError: () => undefined,
    },
  );
  const log = new PlayedLog();
  await consumer.subscribe(log, { group: 'g', start: 'committed' });
  const play = log.play.bind(log);
  return { view, unsound, foreign, evicted, play };
}

function keyMessage(...secrets: SealedRecord[]): KeyMessage {
  return { keyId: 'key-1', tenantId: 'acme', version: 1, createdAtMs: 0, secrets };
}

const sealedSecret = (record: SecretRecord) => seal.seal('secret', record);
const tenantMessage = (tenant: SealedRecord): TenantMessage => ({ tenantId: 'acme', version: 1, tenant });
const at = ({ digest }: SecretRecord): RecordId => ({ kind: 'secret', id: digest });

describe('projecting what key-management publishes', () => {
  it('puts every secret of a key and every tenant into the view', async () => {
    const { view, evicted, play } = await given();
    const secrets = [
      secretRecord({ generation: 1, secretState: 'retired' }),
      secretRecord({ generation: 2 }),
    ];
    await play(KEYS_TOPIC, keyMessage(...secrets.map(sealedSecret)));
    await play(TENANTS_TOPIC, tenantMessage(seal.seal('tenant', tenantRecord())));
    expect(await view.find([...secrets.map(at), { kind: 'tenant', id: 'acme' }])).toEqual([
      ...secrets.map(sealedSecret),
      seal.seal('tenant', tenantRecord()),
    ]);
    expect(evicted).toEqual(secrets.map(({ digest }) => digest));
  });

  it('ends with the same view for every order and repetition of the messages', async () => {
    const versions = [1, 2, 3, 4].map((version) => ({
      version,
      keyState: version === 4 ? ('revoked' as const) : ('active' as const),
    }));
    const digests = ['a', 'b', 'c'].map((letter) => letter.repeat(64));
    const messages = digests.flatMap((digest) =>
      versions.map((state) => keyMessage(sealedSecret(secretRecord({ digest, ...state })))),
    );
    const shuffles = fc
      .shuffledSubarray([...messages, ...messages], { minLength: messages.length })
      .map((some) => [...some, ...messages.filter((message) => !some.includes(message))]);
    await fc.assert(
      fc.asyncProperty(shuffles, fc.integer({ min: 1, max: 5 }), async (all, size) => {
        const { view, play } = await given();
        for (let from = 0; from < all.length; from += size) {
          await play(KEYS_TOPIC, ...all.slice(from, from + size));
        }
        expect(await view.find(digests.map((id) => ({ kind: 'secret', id })))).toEqual(
          digests.map((digest) => sealedSecret(secretRecord({ digest, version: 4, keyState: 'revoked' }))),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('leaves out and alarms about what another sealed, and goes on with the next', async () => {
    const { view, unsound, play } = await given();
    const [forged, real] = [secretRecord(), secretRecord()];
    await play(KEYS_TOPIC, keyMessage(forger.seal('secret', forged), sealedSecret(real)));
    expect(await view.find([at(forged), at(real)])).toEqual([undefined, sealedSecret(real)]);
    expect(unsound).toEqual([at(forged)]);
  });

  it('does not let an old record pass for new by what the message around it claims', async () => {
    const { view, play } = await given();
    const active = secretRecord({ version: 1 });
    const revoked = { ...active, keyState: 'revoked' as const, version: 2 };
    await play(KEYS_TOPIC, keyMessage(sealedSecret(revoked)));
    await play(KEYS_TOPIC, { ...keyMessage(sealedSecret(active)), version: 999 });
    expect(await view.find([at(active)])).toEqual([sealedSecret(revoked)]);
  });

  it.each([
    '',
    'null',
    '7',
    '{}',
    'not json',
    '{"secrets": {}}',
    '{"secrets": [null]}',
    '{"secrets": [{"json": "{}", "seal": "", "sealKeyId": ""}]}',
    '{"secrets": [{"json": "not json", "seal": "s", "sealKeyId": "k1"}]}',
  ])('leaves out a message of another form and goes on with the next: %s', async (value) => {
    const { view, foreign, play } = await given();
    const real = secretRecord();
    await play(KEYS_TOPIC, value, keyMessage(sealedSecret(real)));
    expect(foreign).toEqual([0n]);
    expect(await view.find([at(real)])).toEqual([sealedSecret(real)]);
  });

  it('does not put a secret where a tenant belongs', async () => {
    const { view, play, unsound } = await given();
    await play(TENANTS_TOPIC, tenantMessage(sealedSecret(secretRecord())));
    expect(unsound).toHaveLength(1);
    expect(await view.find([{ kind: 'tenant', id: 'acme' }])).toEqual([undefined]);
  });

  it('fails a batch while the view is away, so that it comes again', async () => {
    const { view, play } = await given();
    view.away = true;
    await expect(play(KEYS_TOPIC, keyMessage(sealedSecret(secretRecord())))).rejects.toThrow('away');
  });
});
