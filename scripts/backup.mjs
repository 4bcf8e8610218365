/** `npm run backup -- --out DIR`: all that PostgreSQL holds of Latchkey, in files that `npm run restore` loads. */
import './node-version.mjs';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled } from './install.mjs';
import { runAsProgram } from './run.mjs';

await runAsProgram(import.meta.url, async () => {
  await ensureInstalled({ keepLock: false });
  await ensureBuilt();
  await import('../dist/apps/standalone/src/backup/main.js');
});
