import { describe, expect, it } from '@jest/globals';
import { forger, seal, secretRecord, tenantRecord } from './record-examples.contract.js';
import { SoundRecords } from './sound-records.js';

function given() {
  const alarms: string[] = [];
  const sound = new SoundRecords(seal, ({ kind, id }) => alarms.push(`${kind} ${id}`), 100);
  return { sound, alarms };
}

describe('sound records', () => {
  it('are opened once for the same content: the very same object comes back', () => {
    const { sound } = given();
    const secret = secretRecord();
    const first = sound.secret(secret.digest, seal.seal('secret', secret));
    expect(first).toEqual(secret);
    expect(sound.secret(secret.digest, seal.seal('secret', secret))).toBe(first);
  });

  it('are opened anew when their content, their seal or its key is another', () => {
    const { sound, alarms } = given();
    const [before, after] = [tenantRecord(), tenantRecord({ state: 'suspended', version: 2 })];
    const sealed = seal.seal('tenant', before);
    expect(sound.tenant('acme', sealed)).toEqual(before);
    expect(sound.tenant('acme', seal.seal('tenant', after))).toEqual(after);
    expect(sound.tenant('acme', { ...sealed, json: seal.seal('tenant', after).json })).toBeUndefined();
    expect(sound.tenant('acme', sealed)).toEqual(before);
    expect(sound.tenant('acme', { ...sealed, sealKeyId: 'other' })).toBeUndefined();
    expect(alarms).toHaveLength(2);
  });

  it('alarm once about the same forged content, and never give it out', () => {
    const { sound, alarms } = given();
    const secret = secretRecord();
    const forged = forger.seal('secret', secret);
    expect(sound.secret(secret.digest, forged)).toBeUndefined();
    expect(sound.secret(secret.digest, forged)).toBeUndefined();
    expect(alarms).toEqual([`secret ${secret.digest}`]);
    expect(sound.tenantIdOf(secret.digest)).toBeUndefined();
  });

  it('never pass for the record of another digest', () => {
    const { sound, alarms } = given();
    const [own, other] = [secretRecord(), secretRecord()];
    expect(sound.secret(other.digest, seal.seal('secret', own))).toBeUndefined();
    expect(alarms).toEqual([`secret ${other.digest}`]);
  });
});
