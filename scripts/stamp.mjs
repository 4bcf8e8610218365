/** A stamp is a file with the hash of what a result was made from: while the hash is the same, the result is fresh. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The hash of named texts, in the order given. */
export function hashOf(texts) {
  const hash = createHash('sha256');
  for (const [name, text] of texts) hash.update(`${name.length}:${name}${text.length}:`).update(text);
  return hash.digest('hex');
}

/** Every file below `directories` whose path passes `isWanted`, as sorted `[path, content]`; paths are relative to `root`. */
export function filesBelow(root, directories, isWanted) {
  return directories
    .filter((directory) => existsSync(join(root, directory)))
    .flatMap((directory) =>
      readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)),
    )
    .filter(isWanted)
    .sort()
    .map((path) => [path, readFileSync(join(root, path))]);
}

export function isFresh(stampPath, hash) {
  return existsSync(stampPath) && readFileSync(stampPath, 'utf8') === hash;
}

export function stamp(stampPath, hash) {
  writeFileSync(stampPath, hash);
}
