import { resolve } from 'node:path';
import { withFiles } from '#libs/service-kit/file-environment';
import { verifyBackup } from '#libs/service-kit/postgres-backup-files';
import { refuseUnknown, restore } from '#libs/service-kit/postgres-restore';
import { runCommand } from '#libs/service-kit/process-main';
import { beginFenceEpoch } from '../../../key-management/src/fencing/postgres-fence-epoch.js';
import { directoryArgument } from '../operating/directory-argument.js';
import { MIGRATIONS, openDatabaseToRestore } from '../operating/serve.js';
import { nextSteps } from './next-steps.js';

await runCommand(async () => {
  // npm changes to the checkout, whatever directory it is called in.
  const calledIn = process.env['INIT_CWD'] ?? process.cwd();
  const directory = resolve(calledIn, directoryArgument('restore', 'in', process.argv.slice(2)));
  const backup = await verifyBackup(directory);
  // Before the embedded PostgreSQL is made, where there is none.
  refuseUnknown(backup, MIGRATIONS);
  const database = await openDatabaseToRestore(withFiles(process.env));
  try {
    const { adminUrl, howToEmpty, embeddedIn } = database;
    const epoch = await restore({
      adminUrl,
      backup,
      migrations: MIGRATIONS,
      howToEmpty,
      beginEpoch: beginFenceEpoch,
    });
    console.log(nextSteps(backup.manifest, { epoch, embeddedIn }));
  } finally {
    await database.close();
  }
});
