/** `npm start`: installs and builds what is missing, then becomes the standalone service, so that signals reach it. */
import './node-version.mjs';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled } from './install.mjs';
import { runAsProgram } from './run.mjs';

await runAsProgram(import.meta.url, async () => {
  await ensureInstalled({ keepLock: false });
  await ensureBuilt();
  await import('../dist/apps/standalone/src/main.js');
});
