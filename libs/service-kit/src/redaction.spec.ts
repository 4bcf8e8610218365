import { redactText } from './redaction.js';

const RANDOM = 'aB3'.repeat(13);

describe('the text of an error', () => {
  it.each([
    `lk_live_${RANDOM}`,
    `lk_test_${RANDOM}`,
    `sk_live_${'0123456789abcdef'.repeat(3).slice(0, 40)}`,
    `sk_test_${'a1'.repeat(15)}`,
    `sydx_acme-west_2_${'z9'.repeat(17)}`,
  ])('does not show the key %s, wherever it stands', (key) => {
    for (const text of [key, `no such key: ${key}.`, `"${key}" is wrong`, `?key=${key}&a=b`, `(${key})`]) {
      expect(redactText(text)).not.toContain(key.slice(-20));
    }
  });

  it.each([
    ['Headers.append: "Bearer some-opaque.token" is invalid', 'some-opaque.token'],
    ['authorization: Basic dXNlcjpwYXNzd29yZA==', 'dXNlcjpwYXNzd29yZA'],
    ['connect postgres://latchkey_keys:hunter2@db:5432/latchkey', 'hunter2'],
    ['https://public-token@tracker.test/7', 'public-token'],
    ['Unexpected end of {"secret":"abc def"', 'abc def'],
    ['password=hunter2; retry', 'hunter2'],
  ])('does not show the credential of: %s', (text, credential) => {
    expect(redactText(text)).not.toContain(credential);
  });

  it.each([
    'duplicate key value violates unique constraint "keys_pkey"',
    `no such key: key_${'0a'.repeat(15)}`,
    'connect ECONNREFUSED 127.0.0.1:50051',
    'Internal error 0b44b7a4-6c8e-4d0a-9b62-0d7c64d4f7ad.',
    'at file:///srv/latchkey/node_modules/@nestjs/core/router/router-execution-context.js:45:28',
    'at _runTestsForDescribeBlock (jest-circus/build/jestAdapterInit.js:1008:11)',
    'at CreateKeyReadModel1763800100000.up (dist/migrations/1763800100000-create-key-read-model.js:9:5)',
  ])('keeps what tells no secret: %s', (text) => {
    expect(redactText(text)).toBe(text);
  });
});
