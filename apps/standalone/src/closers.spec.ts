import { Closers } from './closers.js';

describe('closers', () => {
  it('let go in the reverse order, one after the other, once', async () => {
    const closers = new Closers();
    const steps: string[] = [];
    for (const name of ['lock', 'database', 'service']) {
      closers.add(async () => {
        steps.push(`${name} closing`);
        await Promise.resolve();
        steps.push(`${name} closed`);
      });
    }
    expect(closers.isClosing).toBe(false);
    const [first, second] = [closers.close(), closers.close()];
    expect(closers.isClosing).toBe(true);
    await Promise.all([first, second]);
    expect(steps).toEqual(
      ['service', 'database', 'lock'].flatMap((name) => [`${name} closing`, `${name} closed`]),
    );
  });

  it('let go of the rest when one fails, and tell the first failure', async () => {
    const closers = new Closers();
    const released: string[] = [];
    closers.add(async () => void released.push('lock'));
    closers.add(() => Promise.reject(new Error('the database is stuck')));
    closers.add(() => Promise.reject(new Error('the service is stuck')));
    await expect(closers.close()).rejects.toThrow('the service is stuck');
    expect(released).toEqual(['lock']);
  });
});
