/** `npm run rebuild:key-view`: fills Redis again from key-management, with auth-verifier's own variables. */
import './node-version.mjs';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled } from './install.mjs';
import { runAsProgram } from './run.mjs';

await runAsProgram(import.meta.url, async () => {
  await ensureInstalled({ keepLock: false });
  await ensureBuilt();
  await import('../dist/apps/auth-verifier/src/rebuild/main.js');
});
