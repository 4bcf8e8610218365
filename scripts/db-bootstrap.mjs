/** `npm run db:bootstrap`: schemas and roles of the services, see deploy/bootstrap-database.mjs. */
import './node-version.mjs';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled } from './install.mjs';
import { runAsProgram } from './run.mjs';

await runAsProgram(import.meta.url, async () => {
  await ensureInstalled({ keepLock: false });
  await ensureBuilt();
  await import('../deploy/bootstrap-database.mjs');
});
