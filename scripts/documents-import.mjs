/** `npm run documents:import`: adds documents to a collection that keys can only read. */
import './node-version.mjs';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled } from './install.mjs';
import { runAsProgram } from './run.mjs';

await runAsProgram(import.meta.url, async () => {
  await ensureInstalled({ keepLock: false });
  await ensureBuilt();
  await import('../dist/apps/standalone/src/documents/main.js');
});
