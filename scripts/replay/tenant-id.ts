import { createHash } from 'node:crypto';

const NAME_CHARACTERS_MAX = 50;

/**
 * The tenant of a client address: readable, and by its hash another one for every address, whatever characters an id
 * cannot hold.
 */
export function tenantIdOf(client: string): string {
  const name = client
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, NAME_CHARACTERS_MAX);
  const hash = createHash('sha256').update(client).digest('hex').slice(0, 8);
  return `c${name.startsWith('-') ? '' : '-'}${name}-${hash}`;
}
