import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { text, type Variable } from '#libs/service-kit';

const CERTIFICATE = 'LATCHKEY_API_TLS_CERT_FILE';
const KEY = 'LATCHKEY_API_TLS_KEY_FILE';

/** What the api shows over TLS, in PEM form, read from the files at start; both are empty where it speaks plain HTTP. */
export const tlsVariables = {
  tlsCertificate: certificateFile(),
  tlsKey: keyFile(),
} as const;

function certificateFile(): Variable<string> {
  return {
    ...text(
      CERTIFICATE,
      '',
      'certificate of the HTTP port with its chain, PEM, the own one first; set, the port speaks HTTPS alone; empty: plain HTTP',
    ),
    parse(path, environment) {
      if (!isGiven(path, KEY, environment)) return '';
      const cert = read(path);
      if (!isUsable({ cert }))
        throw new Error(`names a file that holds no certificate in PEM form: "${path}"`);
      return cert;
    },
  };
}

function keyFile(): Variable<string> {
  return {
    ...text(KEY, '', `private key of the certificate in ${CERTIFICATE}, PEM, not encrypted`),
    parse(path, environment) {
      if (!isGiven(path, CERTIFICATE, environment)) return '';
      const key = read(path);
      if (!isUsable({ key })) {
        throw new Error(`names a file that holds no private key in PEM form, not encrypted: "${path}"`);
      }
      const cert = readIfPossible(environment[CERTIFICATE]);
      if (isUsable({ cert }) && !isUsable({ cert, key })) {
        throw new Error(`names a file whose key is not that of the certificate in ${CERTIFICATE}: "${path}"`);
      }
      return key;
    },
  };
}

/** Throws where the other half of the pair is there alone. */
function isGiven(path: string, other: string, environment: NodeJS.ProcessEnv): boolean {
  if (path === '' && environment[other]?.trim()) throw new Error(`is not set, and ${other} is`);
  return path !== '';
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`names a file that can't be read (${code}): "${path}"`, { cause: error });
  }
}

/** What is wrong with the file is said of its own variable. */
function readIfPossible(path = ''): string {
  try {
    return read(path.trim());
  } catch {
    return '';
  }
}

/** As TLS itself judges it, which takes an empty text for none. */
function isUsable(parts: Pick<SecureContextOptions, 'cert' | 'key'>): boolean {
  if (Object.values(parts).includes('')) return false;
  try {
    createSecureContext(parts);
    return true;
  } catch {
    return false;
  }
}
