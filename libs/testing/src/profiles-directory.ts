import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDocument } from 'yaml';

/** A copy of the shipped profiles, whose default one takes imported keys of this pattern; the caller removes it. */
export function profilesDirectoryWith(legacyPattern: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-profiles-'));
  cpSync('deploy/profiles', directory, { recursive: true });
  const path = join(directory, 'default.yaml');
  const document = parseDocument(readFileSync(path, 'utf8'));
  document.setIn(['keys', 'legacyPatterns'], [legacyPattern]);
  writeFileSync(path, document.toString());
  return directory;
}
