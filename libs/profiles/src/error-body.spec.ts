import { describe, expect, it } from '@jest/globals';
import { REJECTIONS } from '#libs/contracts';
import { bodyProblems, messageProblems, tellsErrorId, wordedError } from './error-body.js';
import { ERROR_CAUSES, ownRow } from './error-table.js';
import { readProfiles } from './file-profiles.js';
import type { ErrorRow, JsonTemplate, Profile } from './profile.js';

const [base] = readProfiles('deploy/profiles', ['default']).all as [Profile];

function withErrors(body: 'problem' | JsonTemplate, row: Partial<ErrorRow> = {}): Profile {
  const table = Object.fromEntries(ERROR_CAUSES.map((cause) => [cause, { ...ownRow(cause), ...row }]));
  return { ...base, errors: { body, table: table as Profile['errors']['table'] } };
}

describe('an error in a product’s words', () => {
  it('fills the body with its code, message and error id', () => {
    const profile = withErrors({
      error: { code: '{code}', text: '{message}', id: '{errorId}', doc: 'https://a' },
    });
    expect(wordedError(profile, 'NOT_FOUND', 'e-1').body).toEqual({
      error: { code: 'NOT_FOUND', text: REJECTIONS.NOT_FOUND.message, id: 'e-1', doc: 'https://a' },
    });
  });

  it('leaves the error id out where there is none', () => {
    expect(wordedError(withErrors({ code: '{code}', id: '{errorId}' }), 'NOT_FOUND', null).body).toEqual({
      code: 'NOT_FOUND',
    });
  });

  it('puts the error id into its own sentence as it is', () => {
    const profile = withErrors({ message: '{message}' }, { message: 'Tell us {errorId}.' });
    expect(wordedError(profile, 'INTERNAL', "$&$'").message).toBe("Tell us $&$'.");
  });

  it('leaves texts that are also names of every object as they are', () => {
    expect(wordedError(withErrors({ code: '{code}', kind: 'constructor' }), 'NOT_FOUND', null).body).toEqual({
      code: 'NOT_FOUND',
      kind: 'constructor',
    });
  });

  it('has no body of its own where it is a problem, and says nothing of a fault', () => {
    expect(wordedError(withErrors('problem'), 'INTERNAL', 'e-1')).toEqual({
      status: 500,
      code: 'INTERNAL',
      message: 'Something went wrong on our side.',
      body: undefined,
    });
  });
});

describe('a body', () => {
  it.each(['problem', { code: '{code}' }, { a: { b: '{message}' }, url: 'https://a' }])(
    'may be %j',
    (body) => {
      expect(bodyProblems(body)).toEqual([]);
    },
  );

  it.each([null, [], 5, { a: ['{code}'] }, { '{code}': 'a' }])('may not be %j', (body) => {
    expect(bodyProblems(body)).not.toEqual([]);
  });

  it('tells the error id in itself, in the sentence, or as a problem', () => {
    expect(tellsErrorId({ a: { id: '{errorId}' } }, null)).toBe(true);
    expect(tellsErrorId({ a: '{message}' }, 'It is {errorId}.')).toBe(true);
    expect(tellsErrorId('problem', null)).toBe(true);
    expect(tellsErrorId({ a: '{message}' }, 'Sorry.')).toBe(false);
  });
});

describe('a sentence', () => {
  it('may name the error id of a fault, and nothing else', () => {
    expect(messageProblems('It is {errorId}.', ['INTERNAL'])).toEqual([]);
    expect(messageProblems('Send {"a":1}.', ['NOT_FOUND'])).toEqual([]);
    expect(messageProblems('It is {errorId}.', ['INTERNAL', 'NOT_FOUND'])).toEqual([
      'has {errorId}, which INTERNAL alone has',
    ]);
    expect(messageProblems('The {code}.', ['INTERNAL'])).toEqual(['knows no {code}']);
  });
});
