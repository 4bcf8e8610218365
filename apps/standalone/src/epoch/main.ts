import { OperationRefused } from '#libs/service-kit/backup-manifest';
import { withFiles } from '#libs/service-kit/file-environment';
import { asAdmin } from '#libs/service-kit/postgres-admin';
import { runCommand } from '#libs/service-kit/process-main';
import { beginFenceEpoch } from '../../../key-management/src/fencing/postgres-fence-epoch.js';
import { openDatabase } from '../operating/serve.js';

await runCommand(async () => {
  const database = await openDatabase(withFiles(process.env));
  try {
    const epoch = await asAdmin(database.adminUrl, 'latchkey-epoch', async (client) => {
      await client.query('begin');
      const begun = await beginFenceEpoch(client);
      await client.query('commit');
      return begun;
    });
    if (epoch === undefined)
      throw new OperationRefused('the database has no fence yet: start this version of key-management first');
    console.log(`began fence epoch ${epoch}: every verifier begins anew`);
  } finally {
    await database.close();
  }
});
