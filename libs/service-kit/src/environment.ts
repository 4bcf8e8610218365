/**
 * A process's configuration as a table of environment variables: each knows its name, meaning, default and how to read
 * it. Reading the table gives every value, or every problem at once.
 */
import { isIP, isPort, isURL } from 'class-validator';

export interface Variable<T> {
  name: string;
  /** One sentence for docs/configuration.md. */
  description: string;
  /** Text taken when the variable is unset or empty; null: the variable must be set. */
  default: string | null;
  /** Never printed; may be given as a file named by `<NAME>_FILE`. */
  secret: boolean;
  /** Throws an Error whose message completes "NAME …"; `environment` is for what must agree with other variables. */
  parse(text: string, environment: NodeJS.ProcessEnv): T;
}

export type Values<Table extends Record<string, Variable<unknown>>> = {
  [Field in keyof Table]: Table[Field] extends Variable<infer T> ? T : never;
};

export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  constructor(readonly problems: readonly string[]) {
    super(`the configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}`);
  }
}

/** Throws {@link ConfigurationError} with one line for every variable that is missing or wrong. */
export function readEnvironment<Table extends Record<string, Variable<unknown>>>(
  table: Table,
  environment: NodeJS.ProcessEnv,
): Values<Table> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [field, variable] of Object.entries(table)) {
    try {
      const text = environment[variable.name]?.trim() || variable.default;
      if (text === null) throw new Error(`is not set: ${variable.description}`);
      values[field] = variable.parse(text, environment);
    } catch (error) {
      problems.push(`${variable.name} ${(error as Error).message}`);
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return values as Values<Table>;
}

export function text(name: string, fallback: string | null, description: string): Variable<string> {
  return { name, description, default: fallback, secret: false, parse: (value) => value };
}

/** A secret of at least 16 characters; visible ASCII alone, because headers carry it. */
export function secret(name: string, description: string): Variable<string> {
  return {
    name,
    description,
    default: null,
    secret: true,
    parse(value) {
      if (value.length < 16) throw new Error('is shorter than 16 characters');
      if (!/^[\x21-\x7e]+$/.test(value)) throw new Error('has other characters than visible ASCII');
      return value;
    },
  };
}

/** A TCP port; 0 takes a free one. */
export function port(name: string, fallback: number, description: string): Variable<number> {
  return {
    name,
    description,
    default: String(fallback),
    secret: false,
    parse(value) {
      if (!isPort(value)) throw new Error(`is not a port between 0 and 65535: "${value}"`);
      return Number(value);
    },
  };
}

export function integer(
  name: string,
  fallback: number,
  range: { min: number; max: number },
  description: string,
): Variable<number> {
  return {
    name,
    description,
    default: String(fallback),
    secret: false,
    parse(value) {
      const number = Number(value);
      if (!/^-?\d+$/.test(value) || number < range.min || number > range.max) {
        throw new Error(`is not a whole number from ${range.min} to ${range.max}: "${value}"`);
      }
      return number;
    },
  };
}

export function flag(name: string, fallback: boolean, description: string): Variable<boolean> {
  return {
    name,
    description,
    default: String(fallback),
    secret: false,
    parse(value) {
      if (value !== 'true' && value !== 'false') throw new Error(`is neither true nor false: "${value}"`);
      return value === 'true';
    },
  };
}

/** `host:port` of another service. */
export function address(name: string, fallback: string | null, description: string): Variable<string> {
  return {
    name,
    description,
    default: fallback,
    secret: false,
    parse(value) {
      const match = /^(.+):(\d+)$/.exec(value);
      if (!match || !isPort(match[2] as string)) throw new Error(`is not host:port: "${value}"`);
      return value;
    },
  };
}

/** A URL of one of the protocols; it may hold a password, so it is never printed. */
export function url(name: string, protocols: string[], description: string): Variable<string> {
  return {
    name,
    description,
    default: null,
    secret: true,
    parse(value) {
      if (!isURL(value, { protocols, require_protocol: true, require_tld: false, require_host: true })) {
        throw new Error(`is not a URL that begins with ${protocols.map((p) => `${p}://`).join(' or ')}`);
      }
      return value;
    },
  };
}

/** Items separated by commas; an empty default is an empty list. */
export function list(name: string, fallback: string | null, description: string): Variable<string[]> {
  return {
    name,
    description,
    default: fallback,
    secret: false,
    parse: (value) =>
      value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
  };
}

/** IP addresses or CIDR ranges, separated by commas. */
export function networks(name: string, description: string): Variable<string[]> {
  const items = list(name, '', description);
  return {
    ...items,
    parse(value, environment) {
      const entries = items.parse(value, environment);
      for (const entry of entries) {
        const [ip = '', bits, ...more] = entry.split('/');
        const bitsMax = isIP(ip, 4) ? 32 : 128;
        const bitsRight = bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= bitsMax);
        if (!isIP(ip) || !bitsRight || more.length > 0) {
          throw new Error(`has an entry that is neither an IP address nor a CIDR range: "${entry}"`);
        }
      }
      return entries;
    },
  };
}
