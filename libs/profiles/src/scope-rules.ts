import type { FieldProblem } from '#libs/contracts';
import type { Profile } from './profile.js';

/** What a key is used for: what the product is about, the tenant's own keys, or to learn what the key itself is. */
export type KeyUse = 'resources' | 'managed keys' | 'identity';

/**
 * Of which scopes a key must hold one to use the method, or to manage keys with it; null: none is needed. An empty
 * list means that no key may.
 */
export function scopesAllowing({ scopes }: Profile, method: string, use: KeyUse): readonly string[] | null {
  if (use === 'identity') return null;
  const managing = use === 'managed keys';
  if (!managing && scopes.rules.every(({ methods }) => methods === null)) return null;
  return scopes.rules
    .filter(({ methods, managesKeys }) =>
      managing
        ? managesKeys && (methods?.includes(method) ?? true)
        : (methods?.includes(method) ?? !managesKeys),
    )
    .map(({ name }) => name);
}

/**
 * The scopes that a key with these may give to another: its own, and those whose rules allow nothing that its own do not.
 */
export function scopesWithin(
  { scopes: { rules } }: Pick<Profile, 'scopes'>,
  held: readonly string[],
): string[] {
  const own = rules.filter(({ name }) => held.includes(name));
  const allows = (method: string, managing: boolean) =>
    own.some(({ methods, managesKeys }) => methods?.includes(method) === true && (managesKeys || !managing));
  const within = rules.filter(
    ({ methods, managesKeys }) => methods?.every((method) => allows(method, managesKeys)) === true,
  );
  return [...new Set([...held, ...within.map(({ name }) => name)])];
}

/** The scopes of a new key, from what was wished (undefined: nothing was said), or what is wrong with the wish. */
export function scopesOfKey(
  profile: Profile,
  wished: readonly string[] | undefined,
): { scopes: string[] } | { problems: FieldProblem[] } {
  const { choice, whenAbsent, rules } = profile.scopes;
  const all = rules.map(({ name }) => name);
  const refused = (message: string) => ({ problems: [{ field: 'scopes', message }] });
  if (choice === 'all') {
    return wished === undefined ? { scopes: all } : refused('cannot be chosen: every key has the same');
  }
  if (wished === undefined) return whenAbsent === 'all' ? { scopes: all } : refused('must be given');
  if (choice === 'free') return { scopes: [...wished] };
  const unknown = wished.filter((scope) => !all.includes(scope));
  if (unknown.length > 0)
    return refused(`has unknown ones: ${unknown.join(', ')}; there are ${all.join(', ')}`);
  if (choice === 'one' && wished.length !== 1) return refused(`must be exactly one of ${all.join(', ')}`);
  if (wished.length === 0) return refused(`must have at least one of ${all.join(', ')}`);
  return { scopes: [...wished] };
}
