import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Rejection } from '#libs/contracts';
import type { Collection, Profile } from '#libs/profiles';
import { profileVariables } from '#libs/profiles/config';
import { createLogger, readEnvironment } from '#libs/service-kit';
import { OperationRefused } from '#libs/service-kit/backup-manifest';
import { withFiles } from '#libs/service-kit/file-environment';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { runCommand } from '#libs/service-kit/process-main';
import { createDocuments } from '../../../api/src/collections/document-commands.js';
import { PostgresDocuments } from '../../../api/src/collections/postgres-documents.js';
import { WrittenForms } from '../../../api/src/collections/written-forms.js';
import { openDatabase } from '../operating/serve.js';

const USAGE = `npm run documents:import -- --profile NAME --tenant ID --collection NAME [--environment live] FILE
  FILE has one JSON object a line, in the newest version of the API. All of them are added, or none.`;

/** Most documents of one file: all are added in one transaction. */
const DOCUMENTS_MAX = 100_000;

await runCommand(async () => {
  const wish = readArguments();
  const environment = withFiles(process.env);
  const { profiles } = readEnvironment(profileVariables, { LATCHKEY_PROFILES: '*', ...environment });
  const product = profiles.named(wish.profile);
  if (product === undefined) throw new OperationRefused(`there is no profile ${wish.profile}\n${USAGE}`);
  const collection = collectionOf(product, wish.collection);
  const lines = await linesOf(wish.file);
  const database = await openDatabase(environment);
  try {
    const runtime = asRuntimeRole(database.adminUrl);
    try {
      await runtime.ready;
      const form = new WrittenForms().of(product, collection, null);
      const newest = product.versions?.dated.at(-1)?.date ?? null;
      const owner = { tenantId: wish.tenant, environment: wish.environment };
      const met = { collection, owner, parentId: null, form, newest };
      const added = await createDocuments(new PostgresDocuments(runtime), met, lines).catch(refused);
      console.log(
        `added ${added} documents to ${collection.name} of ${wish.tenant} (${wish.environment}) in ${product.name}`,
      );
    } finally {
      await runtime.close();
    }
  } finally {
    await database.close();
  }
});

function readArguments() {
  const { values, positionals } = parseArgs({
    options: {
      profile: { type: 'string' },
      tenant: { type: 'string' },
      collection: { type: 'string' },
      environment: { type: 'string', default: 'live' },
    },
    allowPositionals: true,
  });
  const { profile, tenant, collection, environment } = values;
  const [file, ...more] = positionals;
  if (profile === undefined || tenant === undefined || collection === undefined || file === undefined) {
    throw new OperationRefused(USAGE);
  }
  if (more.length > 0 || (environment !== 'live' && environment !== 'test'))
    throw new OperationRefused(USAGE);
  // npm changes to the checkout, whatever directory it is called in.
  const path = resolve(process.env['INIT_CWD'] ?? process.cwd(), file);
  return { profile, tenant, collection, environment: environment as 'live' | 'test', file: path };
}

function collectionOf({ name, collections }: Profile, wished: string): Collection {
  const found = collections.find((each) => each.name === wished && each.parent === null);
  if (found !== undefined) return found;
  const names = collections.filter(({ parent }) => parent === null).map((each) => each.name);
  throw new OperationRefused(`${name} has no collection ${wished}; it has ${names.join(', ')}`);
}

async function linesOf(file: string): Promise<unknown[]> {
  const lines: unknown[] = [];
  try {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      if (lines.push(JSON.parse(line)) > DOCUMENTS_MAX) {
        throw new OperationRefused(`${file} has more than ${DOCUMENTS_MAX} lines: split it`);
      }
    }
  } catch (error) {
    if (error instanceof OperationRefused) throw error;
    throw new OperationRefused(`${file}, line ${lines.length + 1}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return lines;
}

/** As the role that api works as, whom row-level security holds. */
function asRuntimeRole(adminUrl: string): PostgresDatabase {
  const url = new URL(adminUrl);
  const options = [url.searchParams.get('options'), '-c role=latchkey_api'];
  url.searchParams.set('options', options.filter((option) => option !== null).join(' '));
  const runtimeUrl = url.href.replaceAll('+', '%20');
  return new PostgresDatabase(
    {
      runtimeUrl,
      migrationUrl: runtimeUrl,
      schema: 'api',
      // Those of a running api, which this waits for.
      migrations: Promise.resolve(),
      connectionsMax: 2,
    },
    createLogger('documents-import', 'error'),
  );
}

function refused(error: unknown): never {
  if (!(error instanceof Rejection)) throw error;
  const fields = error.fields.map(({ field, message }) => `\n  ${field}: ${message}`).join('');
  throw new OperationRefused(`nothing was added. ${error.message}${fields}`, { cause: error });
}
