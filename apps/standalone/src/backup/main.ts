import { resolve } from 'node:path';
import { withFiles } from '#libs/service-kit/file-environment';
import { backUp } from '#libs/service-kit/postgres-backup';
import { runCommand } from '#libs/service-kit/process-main';
import { directoryArgument } from '../operating/directory-argument.js';
import { openDatabase } from '../operating/serve.js';

await runCommand(async () => {
  // npm changes to the checkout, whatever directory it is called in.
  const calledIn = process.env['INIT_CWD'] ?? process.cwd();
  const directory = resolve(calledIn, directoryArgument('backup', 'out', process.argv.slice(2)));
  const database = await openDatabase(withFiles(process.env));
  try {
    const { tables, takenAt } = await backUp(database.adminUrl, directory);
    const rows = tables.reduce((sum, table) => sum + table.rows, 0);
    console.log(`backed up ${rows} rows of ${tables.length} tables, as of ${takenAt}, to ${directory}`);
    console.log('It holds no seal keys, tokens or passwords: keep those too (docs/operations.md).');
  } finally {
    await database.close();
  }
});
