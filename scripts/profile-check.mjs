/**
 * `npm run profile:check -- FILE_OR_DIRECTORY ...`: every mistake in the profiles, one a line, with 78 as exit code where
 * there are any, as a service would end with at its start; else one line for each profile.
 */
import './node-version.mjs';
import { existsSync, statSync } from 'node:fs';
import { register } from 'node:module';
import { ensureInstalled } from './install.mjs';
import { runAsProgram } from './run.mjs';

const USAGE = `npm run profile:check -- FILE_OR_DIRECTORY ...
  a YAML file of a profile, or a directory of them, such as deploy/profiles`;
/** sysexits.h: the command was used wrongly; the configuration is wrong. */
const EXIT_USAGE = 64;
const EXIT_CONFIGURATION = 78;

await runAsProgram(import.meta.url, async () => {
  const paths = process.argv.slice(2);
  const wrong = paths.find((path) => path.startsWith('-') || !existsSync(path));
  if (paths.length === 0 || wrong !== undefined) {
    console.error(wrong === undefined ? USAGE : `there is no ${wrong}\n\n${USAGE}`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  await ensureInstalled({ keepLock: false });
  register('./typescript-hooks.mjs', import.meta.url);
  const { profileFilesOf, readProfileFiles } = await import('../libs/profiles/src/file-profiles.ts');
  const files = paths.flatMap((path) => (statSync(path).isDirectory() ? profileFilesOf(path) : [path]));
  const { profiles, mistakes } = readProfileFiles(files);
  if (files.length === 0) mistakes.push(`there is no .yaml in ${paths.join(', ')}`);
  for (const line of mistakes.length > 0 ? mistakes : profiles.map(describe)) console.log(line);
  if (mistakes.length > 0) process.exitCode = EXIT_CONFIGURATION;
});

function describe({ name, hosts, scopes, rateLimit, errors }) {
  const counted = [
    count(hosts.length, 'host'),
    count(scopes.rules.length, 'scope'),
    count(rateLimit?.rows.length ?? 0, 'rate limit'),
    count(Object.keys(errors.table).length, 'error cause'),
  ];
  return `${name}: ${counted.join(', ')}: no mistake`;
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
