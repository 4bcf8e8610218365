/**
 * `node deploy/bootstrap-database.mjs` makes the schemas of the services and the two roles of each, and sets the roles'
 * passwords. It may be run again at any time. Needs the compiled libraries; `npm run db:bootstrap` compiles them first.
 */
import { readEnvironment, secret, url } from '#libs/service-kit';
import { withFiles } from '#libs/service-kit/file-environment';
import { bootstrapDatabase } from '#libs/service-kit/postgres-bootstrap';
import { runProcess } from '#libs/service-kit/process-main';

const variables = {
  adminUrl: url('DATABASE_ADMIN_URL', ['postgres', 'postgresql'], 'PostgreSQL as one who may make roles'),
  keysOwner: secret('DATABASE_KEYS_OWNER_PASSWORD', 'password for latchkey_keys_owner'),
  keys: secret('DATABASE_KEYS_PASSWORD', 'password for latchkey_keys'),
  usageOwner: secret('DATABASE_USAGE_OWNER_PASSWORD', 'password for latchkey_usage_owner'),
  usage: secret('DATABASE_USAGE_PASSWORD', 'password for latchkey_usage'),
  apiOwner: secret('DATABASE_API_OWNER_PASSWORD', 'password for latchkey_api_owner'),
  api: secret('DATABASE_API_PASSWORD', 'password for latchkey_api'),
};

await runProcess(async () => {
  const { adminUrl, ...passwords } = readEnvironment(variables, withFiles(process.env));
  const made = await bootstrapDatabase(adminUrl, {
    keys: { owner: passwords.keysOwner, runtime: passwords.keys },
    usage: { owner: passwords.usageOwner, runtime: passwords.usage },
    api: { owner: passwords.apiOwner, runtime: passwords.api },
  });
  for (const schema of Object.keys(made)) {
    console.log(`schema ${schema}: owner latchkey_${schema}_owner, runtime latchkey_${schema}`);
  }
  return { close: async () => {} };
});
