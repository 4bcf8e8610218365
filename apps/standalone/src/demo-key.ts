/**
 * What a start did about the demo key: it made one and wrote its secret down, it found the secret of an earlier start,
 * or it found that the user has removed it, which is never undone by itself.
 */
export type DemoKey = 'made' | 'kept' | 'removed';

/** Where the secret lies. */
interface DemoSecrets {
  has(name: string): boolean;
  write(name: string, value: string): void;
  remove(name: string): void;
}

/** The demo tenant at key-management. */
interface DemoTenant {
  hasKeys(): Promise<boolean>;
  /** Makes the tenant where there is none; resolves to the new key's secret. */
  createKey(): Promise<string>;
}

export const DEMO_KEY = 'demo-key';

/** There while a key is being made: a start that finds it was preceded by one that may have lost the secret. */
const UNFINISHED = `${DEMO_KEY}.unfinished`;

/**
 * Makes the demo key on the first run. A secret lost to a crash between its making and its writing was never shown to
 * anybody: the next start makes another key.
 */
export async function ensureDemoKey(secrets: DemoSecrets, tenant: DemoTenant): Promise<DemoKey> {
  if (secrets.has(DEMO_KEY)) {
    secrets.remove(UNFINISHED);
    return 'kept';
  }
  if (!secrets.has(UNFINISHED) && (await tenant.hasKeys())) return 'removed';
  secrets.write(UNFINISHED, 'the demo key is being made');
  secrets.write(DEMO_KEY, await tenant.createKey());
  secrets.remove(UNFINISHED);
  return 'made';
}
