/**
 * `npm run openapi:write`: writes what the server says of each product's API to docs/openapi, unless that would break who
 * relies on what stands there; then it tells how, and ends with 1.
 */
import './node-version.mjs';
import { ensureInstalled } from './install.mjs';
import { runJest } from './jest.mjs';
import { runAsProgram } from './run.mjs';

await runAsProgram(import.meta.url, async () => {
  await ensureInstalled({ keepLock: false });
  process.env.LATCHKEY_WRITE_OPENAPI = '1';
  const { failed } = await runJest([
    '--selectProjects',
    'unit',
    '--testPathPatterns',
    'openapi/compatibility',
  ]);
  if (failed > 0) process.exitCode = 1;
});
