import { hash, timingSafeEqual } from 'node:crypto';
import { Rejection } from '#libs/contracts';
import type { Variable } from './environment.js';

/** What an internal service may do over gRPC. */
export const SERVICE_ROLES = ['verify', 'report', 'project', 'fence', 'manage', 'usage'] as const;
export type ServiceRole = (typeof SERVICE_ROLES)[number];

/** An internal service, known by its token. */
export interface Caller {
  name: string;
  roles: ReadonlySet<ServiceRole>;
  /** The profiles whose keys it may verify; `*`: those of all. */
  profiles: ReadonlySet<string>;
}

/** The services that may call, found by the digest of their token so that no comparison depends on the token's bytes. */
export class ServiceCallers {
  constructor(private readonly entries: readonly { caller: Caller; tokenDigest: Buffer }[]) {}

  /** The caller whose token this is; every entry is compared, whatever comes first. */
  find(token: string): Caller | undefined {
    const digest = sha256(token);
    let found: Caller | undefined;
    for (const { caller, tokenDigest } of this.entries) {
      if (timingSafeEqual(digest, tokenDigest)) found = caller;
    }
    return found;
  }
}

/** Reads `name:token:role+role,…`; a fourth part `:profile+profile` or `:*` says whose keys may be verified. */
export function serviceTokens(name: string, description: string): Variable<ServiceCallers> {
  return {
    name,
    description,
    default: null,
    secret: true,
    parse(value) {
      const entries = value.split(',').map((item) => {
        const [callerName = '', token = '', roles = '', profiles = 'default', ...more] = item
          .trim()
          .split(':');
        if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(callerName) || more.length > 0) {
          throw new Error('is not name:token:role+role[:profile+profile],…');
        }
        if (token.length < 16) throw new Error(`has a token shorter than 16 characters for "${callerName}"`);
        if (!/^[\x21-\x7e]+$/.test(token)) {
          throw new Error(`has a token with other characters than visible ASCII for "${callerName}"`);
        }
        const unknown = roles
          .split('+')
          .filter((role) => !(SERVICE_ROLES as readonly string[]).includes(role));
        if (unknown.length > 0) {
          throw new Error(`has an unknown role for "${callerName}"; roles are ${SERVICE_ROLES.join(', ')}`);
        }
        const names = profiles.split('+');
        if (!names.every((name) => name === '*' || /^[a-z][a-z0-9-]{0,31}$/.test(name))) {
          throw new Error(`has what is no name of a profile for "${callerName}"`);
        }
        const caller: Caller = {
          name: callerName,
          roles: new Set(roles.split('+') as ServiceRole[]),
          profiles: new Set(names),
        };
        return { caller, tokenDigest: sha256(token) };
      });
      if (new Set(entries.map(({ caller }) => caller.name)).size !== entries.length) {
        throw new Error('names a service twice');
      }
      return new ServiceCallers(entries);
    },
  };
}

/** The token of an `authorization: Bearer …` header, or undefined where it has another form. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
}

/** The caller of this authorization header; throws where it names none, or one without the role. */
export function allowedCaller(
  header: string | undefined,
  role: ServiceRole | undefined,
  callers: ServiceCallers,
): Caller {
  const token = bearerToken(header);
  const caller = token === undefined ? undefined : callers.find(token);
  if (caller === undefined) throw new Rejection('UNAUTHENTICATED');
  if (role === undefined || !caller.roles.has(role)) throw new Rejection('FORBIDDEN');
  return caller;
}

/** Throws FORBIDDEN where the caller may not verify keys of the profile: no product's team may probe another's. */
export function requireProfile({ profiles }: Caller, profile: string): void {
  if (!profiles.has('*') && !profiles.has(profile)) throw new Rejection('FORBIDDEN');
}

/** Compares two secrets in a time that does not depend on where they differ. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b));
}

/** As hexadecimal digits: a third of what asking for bytes costs, and this is on the path of every call. */
function sha256(textToHash: string): Buffer {
  return Buffer.from(hash('sha256', textToHash, 'hex'), 'latin1');
}
