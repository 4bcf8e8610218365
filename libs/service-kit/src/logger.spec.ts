import { createLogger } from './logger.js';

const KEY = `lk_live_${'aB3'.repeat(13)}`;

describe('the log of a service', () => {
  function logged(fields: object): { err: Record<string, unknown> } {
    const lines: string[] = [];
    createLogger('api', 'info', { write: (line) => void lines.push(line) }).error(fields, 'failed');
    return JSON.parse(lines.join('')) as { err: Record<string, unknown> };
  }

  it('writes an error with its fields and causes, and without what looks like a credential in any of them', () => {
    const driverError = Object.assign(new Error(`at ${KEY}`), { detail: `Key (k)=(${KEY}) already exists.` });
    const error = Object.assign(new Error(`no ${KEY}`, { cause: new Error(`of ${KEY}`) }), {
      code: '23505',
      parameters: [KEY, 7],
      driverError,
    });
    const line = logged({ err: error });
    expect(JSON.stringify(line)).not.toContain(KEY.slice(-20));
    expect(line.err).toMatchObject({
      type: 'Error',
      message: 'no [redacted]: of [redacted]',
      stack: expect.stringContaining('logger.spec'),
      code: '23505',
      parameters: ['[redacted]', 7],
      driverError: { detail: 'Key (k)=([redacted]) already exists.' },
    });
  });

  it.each([Object.freeze(new TypeError('frozen')), 'a text', null, 7])(
    'writes whatever was thrown: %p',
    (thrown) => {
      const { err } = logged({ err: thrown });
      if (thrown instanceof Error) expect(err).toMatchObject({ type: 'TypeError', message: 'frozen' });
      else expect(err).toBe(thrown);
    },
  );

  it('writes no field that is named as a secret is', () => {
    const text = JSON.stringify(
      logged({ err: null, secret: 'hidden', request: { authorization: 'hidden' } }),
    );
    expect(text).not.toContain('hidden');
  });
});
