import { eventually } from './eventually.js';

describe('eventually', () => {
  it('returns the first result that comes without an error', async () => {
    let tries = 0;
    const check = () => {
      tries += 1;
      if (tries < 3) throw new Error(`try ${tries}`);
      return tries;
    };
    expect(await eventually(check, { everyMs: 1 })).toBe(3);
  });

  it('throws the last error when the time is over', async () => {
    let tries = 0;
    const check = async () => {
      tries += 1;
      throw new Error(`try ${tries}`);
    };
    const failure = await eventually(check, { timeoutMs: 20, everyMs: 2 }).catch((error: unknown) => error);
    expect(tries).toBeGreaterThan(1);
    expect(failure).toEqual(new Error(`try ${tries}`));
  });
});
