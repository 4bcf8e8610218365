import { type FieldProblem, Rejection } from '#libs/contracts';
import { type KeyChange, type Profile, scopesOfKey } from '#libs/profiles';
import type { Environment, Hint } from './key.events.js';

/** What is wished of a new key, where its product has a say. */
interface NewKeyWish {
  environment: Environment;
  /** Undefined: what the product gives. */
  scopes: string[] | undefined;
  expiresAtMs: number | null;
  /** Of an imported key. */
  hint?: Hint;
}

/** The scopes of a new key. Throws INVALID_REQUEST with everything that its product does not allow. */
export function scopesOfNewKey(
  profile: Profile,
  { environment, scopes, expiresAtMs, hint }: NewKeyWish,
): string[] {
  const { environments, expiry, hint: kept } = profile.keys;
  const chosen = scopesOfKey(profile, scopes);
  const problems: FieldProblem[] = [];
  if (!environments.includes(environment)) {
    problems.push({ field: 'environment', message: `must be ${environments.join(' or ')}` });
  }
  if ('problems' in chosen) problems.push(...chosen.problems);
  if (expiry === 'never' && expiresAtMs !== null) {
    problems.push({ field: 'expiresAt', message: 'must be absent: these keys never expire' });
  }
  if (expiry === 'required' && expiresAtMs === null) problems.push(EXPIRY_REQUIRED);
  if (hint !== undefined && hint.start.length > kept.first)
    problems.push(hintProblem('hintStart', kept.first));
  if (hint !== undefined && hint.end.length > kept.last) problems.push(hintProblem('hintEnd', kept.last));
  if (problems.length > 0) throw new Rejection('INVALID_REQUEST', problems);
  return 'scopes' in chosen ? chosen.scopes : [];
}

/** Throws CHANGE_NOT_ALLOWED where the product lets nobody change that of a key. */
export function requireChange({ keys }: Profile, change: KeyChange): void {
  if (!keys.changes.includes(change)) throw new Rejection('CHANGE_NOT_ALLOWED');
}

/** Throws CHANGE_NOT_ALLOWED where the product's secrets are not rotated. */
export function requireRotation({ keys }: Profile): void {
  if (keys.rotation === null) throw new Rejection('CHANGE_NOT_ALLOWED');
}

/** Throws CHANGE_NOT_ALLOWED for a key of an environment that its product no longer has: no new secret can be composed. */
export function requireEnvironment({ keys }: Profile, environment: Environment): void {
  if (!keys.environments.includes(environment)) throw new Rejection('CHANGE_NOT_ALLOWED');
}

/** Throws for scopes, or an end of the expiry, that the product does not allow. */
export function requireAllowed(
  profile: Profile,
  { scopes, expiresAtMs }: { scopes: string[] | undefined; expiresAtMs: number | null | undefined },
): void {
  const chosen = scopes === undefined ? { scopes: [] } : scopesOfKey(profile, scopes);
  const problems = 'problems' in chosen ? chosen.problems : [];
  if (profile.keys.expiry === 'required' && expiresAtMs === null) problems.push(EXPIRY_REQUIRED);
  if (problems.length > 0) throw new Rejection('INVALID_REQUEST', problems);
}

const EXPIRY_REQUIRED: FieldProblem = { field: 'expiresAt', message: 'must be given: these keys expire' };

function hintProblem(field: string, lengthMax: number): FieldProblem {
  return { field, message: `must be at most ${lengthMax} characters: no more is kept of these keys` };
}
