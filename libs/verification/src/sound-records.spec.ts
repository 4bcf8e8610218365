import { describe, expect, it } from '@jest/globals';
import { forger, seal, secretRecord, tenantRecord } from './record-examples.contract.js';
import { SoundRecords } from './sound-records.js';

function given() {
  const alarms: string[] = [];
  const sound = new SoundRecords(seal, ({ kind, id }) => alarms.push(`${kind} ${id}`));
  return { sound, alarms };
}

describe('sound records', () => {
  it('are what key-management sealed, to the letter', () => {
    const { sound, alarms } = given();
    const tenant = tenantRecord();
    const sealed = seal.seal('tenant', tenant);
    expect(sound.tenant('acme', sealed)).toEqual(tenant);
    const suspended = seal.seal('tenant', tenantRecord({ state: 'suspended', version: 2 }));
    expect(sound.tenant('acme', { ...sealed, json: suspended.json })).toBeUndefined();
    expect(sound.tenant('acme', { ...sealed, sealKeyId: 'other' })).toBeUndefined();
    expect(alarms).toEqual(['tenant acme', 'tenant acme']);
    expect(sound.tenant('acme', sealed)).toEqual(tenant);
  });

  it('are opened once for the same content: the very same object comes back', () => {
    const { sound } = given();
    const secret = secretRecord();
    const first = sound.secret(secret.digest, seal.seal('secret', secret));
    expect(first).toEqual(secret);
    expect(sound.secret(secret.digest, seal.seal('secret', secret))).toBe(first);
    const newer = { ...secret, version: secret.version + 1 };
    expect(sound.secret(secret.digest, seal.seal('secret', newer))).toEqual(newer);
  });

  it('alarm once about the same forged content, and never give it out', () => {
    const { sound, alarms } = given();
    const secret = secretRecord();
    const forged = forger.seal('secret', secret);
    expect(sound.secret(secret.digest, forged)).toBeUndefined();
    expect(sound.secret(secret.digest, forged)).toBeUndefined();
    expect(alarms).toEqual([`secret ${secret.digest}`]);
    expect(sound.secret(secret.digest, forger.seal('secret', { ...secret, version: 2 }))).toBeUndefined();
    expect(alarms).toHaveLength(2);
  });

  it('never pass for the record of another digest', () => {
    const { sound, alarms } = given();
    const [own, other] = [secretRecord(), secretRecord()];
    expect(sound.secret(other.digest, seal.seal('secret', own))).toBeUndefined();
    expect(alarms).toEqual([`secret ${other.digest}`]);
  });
});
