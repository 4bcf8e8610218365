import type { Variable } from './environment.js';

/** HMAC keys with their ids; the first seals, all open. */
export type SealKeys = [{ id: string; key: Buffer }, ...{ id: string; key: Buffer }[]];

/** Reads `id:base64,…`. */
export function sealKeys(name: string, description: string): Variable<SealKeys> {
  return {
    name,
    description,
    default: null,
    secret: true,
    parse(value) {
      const keys = value.split(',').map((item) => {
        const match = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/_-]+={0,2})$/.exec(item.trim());
        if (!match) throw new Error('is not id:base64,…');
        const key = Buffer.from(match[2] as string, 'base64');
        if (key.length < 32) throw new Error(`has a key shorter than 32 bytes: "${match[1]}"`);
        return { id: match[1] as string, key };
      });
      if (new Set(keys.map(({ id }) => id)).size !== keys.length) throw new Error('has an id twice');
      return keys as SealKeys;
    },
  };
}
