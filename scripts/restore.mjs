/** `npm run restore -- --in DIR`: loads a backup into an empty database and begins a new fence epoch. */
import './node-version.mjs';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled } from './install.mjs';
import { runAsProgram } from './run.mjs';

await runAsProgram(import.meta.url, async () => {
  await ensureInstalled({ keepLock: false });
  await ensureBuilt();
  await import('../dist/apps/standalone/src/restore/main.js');
});
