import { ensureDemoKey } from './demo-key.js';

/** Files and a tenant in memory; a crash is a step that throws. */
function given({ files = [], keys = 0, crashAfterCreate = false }: Partial<Given> = {}) {
  const secrets = new Map<string, string>(files);
  const made = { keys };
  const tenant = {
    hasKeys: async () => made.keys > 0,
    async createKey() {
      made.keys += 1;
      if (crashAfterCreate) throw new Error('crash');
      return `secret ${made.keys}`;
    },
  };
  const store = {
    has: (name: string) => secrets.has(name),
    write: (name: string, value: string) => void secrets.set(name, value),
    remove: (name: string) => void secrets.delete(name),
  };
  return { secrets, made, start: () => ensureDemoKey(store, tenant) };
}

interface Given {
  files: [string, string][];
  keys: number;
  crashAfterCreate: boolean;
}

describe('the demo key', () => {
  it('is made on the first run, and kept on later ones', async () => {
    const { secrets, made, start } = given();
    await expect(start()).resolves.toBe('made');
    await expect(start()).resolves.toBe('kept');
    expect(made.keys).toBe(1);
    expect([...secrets]).toEqual([['demo-key', 'secret 1']]);
  });

  it('is made again when its secret was lost to a crash before it was written down', async () => {
    const crashed = given({ crashAfterCreate: true });
    await expect(crashed.start()).rejects.toThrow('crash');
    const { secrets, start } = given({ files: [...crashed.secrets], keys: crashed.made.keys });
    await expect(start()).resolves.toBe('made');
    expect([...secrets]).toEqual([['demo-key', 'secret 2']]);
  });

  it('is not made again when the user has removed its file, also when a crash left traces before that', async () => {
    const { secrets, made, start } = given({
      files: [
        ['demo-key', 'secret 1'],
        ['demo-key.unfinished', ''],
      ],
      keys: 1,
    });
    await expect(start()).resolves.toBe('kept');
    secrets.delete('demo-key');
    await expect(start()).resolves.toBe('removed');
    expect(made.keys).toBe(1);
    expect(secrets.size).toBe(0);
  });
});
