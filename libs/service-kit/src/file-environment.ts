import { readFileSync } from 'node:fs';

/**
 * The environment with every `<NAME>_FILE` standing for `<NAME>`, as container platforms hand over secrets. A file is read
 * when its variable is; what is wrong with it is thrown then, as one problem among the others.
 */
export function withFiles(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const merged = { ...environment };
  for (const [name, path] of Object.entries(environment)) {
    if (!/^(LATCHKEY|KAFKA|REDIS|DATABASE)_.*_FILE$/.test(name) || !path || OWN_PATHS.has(name)) continue;
    const target = name.slice(0, -'_FILE'.length);
    const given = environment[target];
    Object.defineProperty(merged, target, { enumerable: true, get: () => read(name, path, given) });
  }
  return merged;
}

/** Throws an Error whose message completes "NAME …". */
function read(name: string, path: string, given: string | undefined): string {
  if (given) throw new Error(`is set, and ${name} as well`);
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new Error(
      `is to come from the file in ${name}, which can't be read (${(error as NodeJS.ErrnoException).code})`,
      {
        cause: error,
      },
    );
  }
}

/** Variables that end in _FILE and mean a path, not a value's place. */
const OWN_PATHS = new Set([
  'KAFKA_TLS_CA_FILE',
  'REDIS_TLS_CA_FILE',
  'DATABASE_TLS_CA_FILE',
  'LATCHKEY_API_TLS_CERT_FILE',
  'LATCHKEY_API_TLS_KEY_FILE',
]);
