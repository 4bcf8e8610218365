/**
 * `npm run postman`: writes a Postman collection (v2.1) of the API that a running server describes. Set its variable
 * `bearerToken` to a key; its requests then run from the first to the last, also by newman.
 */
import './node-version.mjs';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureInstalled } from './install.mjs';
import { runAsProgram } from './run.mjs';

const USAGE = `npm run postman -- --out FILE
  [--url URL]     the running api, default http://127.0.0.1:3000
  [--host HOST]   the product's host, such as synaptiq.localhost; default: that of the URL`;

await runAsProgram(import.meta.url, async () => {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      url: { type: 'string', default: 'http://127.0.0.1:3000' },
      host: { type: 'string' },
    },
  });
  if (values.out === undefined) throw new Error(USAGE);
  await ensureInstalled({ keepLock: false });
  const { collectionOf } = await import('./postman/collection.mjs');
  const document = await documentAt(values.url, values.host);
  const collection = await collectionOf(document);
  // npm changes to the checkout, whatever directory it is called in.
  const file = resolve(process.env.INIT_CWD ?? process.cwd(), values.out);
  writeFileSync(file, `${JSON.stringify(collection, undefined, 2)}\n`);
  console.log(`${collection.item.length} requests of ${collection.info.name} are in ${file}`);
});

/** `fetch` takes no other Host header. */
function documentAt(url, host) {
  return new Promise((done, failed) => {
    request(`${url}/openapi.json`, host === undefined ? {} : { headers: { host } }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        if (response.statusCode === 200) done(JSON.parse(Buffer.concat(chunks)));
        else failed(new Error(`${url} answered ${response.statusCode}`));
      });
    })
      .on('error', failed)
      .end();
  });
}
