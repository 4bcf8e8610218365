import { readKeyMessage } from './key-message.js';

const message = { keyId: 'key_1', tenantId: 'acme', version: 3, createdAtMs: 1_790_000_000_000, secrets: [] };
const read = (value: unknown) => readKeyMessage(Buffer.from(JSON.stringify(value)));

describe('reading a key message', () => {
  it('takes what never changes of a key', () => {
    expect(read(message)).toEqual({ keyId: 'key_1', tenantId: 'acme', createdAtMs: 1_790_000_000_000 });
  });

  it.each([
    ['no key', { ...message, keyId: undefined }],
    ['a key id with a zero byte', { ...message, keyId: 'a\u0000' }],
    ['no tenant', { ...message, tenantId: '' }],
    ['a time that is no number', { ...message, createdAtMs: '1790000000000' }],
    ['a time no calendar has', { ...message, createdAtMs: 1e17 }],
    ['null', null],
  ])('refuses a message with %s', (_, value) => {
    expect(read(value)).toBeUndefined();
  });

  it('refuses what is not JSON', () => {
    expect(readKeyMessage(Buffer.alloc(0))).toBeUndefined();
  });
});
