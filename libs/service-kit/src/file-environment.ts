import { readFileSync } from 'node:fs';
import { ConfigurationError } from './environment.js';

/**
 * The environment with every `<NAME>_FILE` read into `<NAME>`, as container platforms hand over secrets. Throws
 * {@link ConfigurationError} for files that can't be read and for variables given both ways.
 */
export function withFiles(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const merged = { ...environment };
  const problems: string[] = [];
  for (const [name, path] of Object.entries(environment)) {
    if (!/^(LATCHKEY|KAFKA|REDIS|DATABASE)_.*_FILE$/.test(name) || !path || OWN_PATHS.has(name)) continue;
    const target = name.slice(0, -'_FILE'.length);
    if (environment[target]) {
      problems.push(`${target} and ${name} are both set`);
      continue;
    }
    try {
      merged[target] = readFileSync(path, 'utf8').trim();
    } catch (error) {
      problems.push(`${name} names a file that can't be read (${(error as NodeJS.ErrnoException).code})`);
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return merged;
}

/** Variables that end in _FILE and mean a path, not a value's place. */
const OWN_PATHS = new Set(['KAFKA_TLS_CA_FILE', 'REDIS_TLS_CA_FILE', 'DATABASE_TLS_CA_FILE']);
