import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shippedProfiles } from '#libs/testing/shipped-profiles';
import { serveApi } from '../served-api.contract.js';
import { breakingChanges } from './breaking-changes.contract.js';
import type { OpenApiObject } from './openapi-object.js';

const DIRECTORY = 'docs/openapi';
/** Set by `npm run openapi:write`. */
const IS_WRITING = process.env['LATCHKEY_WRITE_OPENAPI'] === '1';

const DOCUMENTS = shippedProfiles.all.flatMap(({ name, hosts, versions }) =>
  (versions?.dated.map(({ date }) => date) ?? [null]).map((date) => ({
    file: `${name}${date === null ? '' : `-${date}`}.json`,
    host: `${name}.localhost`,
    date,
    serverUrl: `https://${hosts[0] === '*' ? 'api.example.com' : hosts[0]}`,
  })),
);

describe('the committed OpenAPI documents', () => {
  const served = new Map<string, OpenApiObject>();
  beforeAll(async () => {
    const api = await serveApi();
    for (const { file, host, date, serverUrl } of DOCUMENTS) {
      const target = `/openapi.json${date === null ? '' : `?version=${date}`}`;
      const document = (await api.send('GET', target, [], '', host)).json() as unknown as OpenApiObject;
      served.set(file, { ...document, servers: [{ url: serverUrl }] });
    }
    await api.close();
    if (IS_WRITING) write(served);
  });

  it.each(DOCUMENTS)('$file is what the server says now, or is broken by nothing in it', ({ file }) => {
    const now = served.get(file) as OpenApiObject;
    const committed = read(file);
    // A version without a committed document is new, and may break with those before it.
    if (committed !== undefined) expect(breakingChanges(committed, now)).toEqual([]);
    expect([file, committed === undefined ? 'run npm run openapi:write' : committed]).toEqual([file, now]);
  });

  it('are of the versions there are, all of them', () => {
    expect(readdirSync(DIRECTORY).toSorted()).toEqual(DOCUMENTS.map(({ file }) => file).toSorted());
  });
});

function read(file: string): OpenApiObject | undefined {
  const path = join(DIRECTORY, file);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as OpenApiObject) : undefined;
}

/** Nothing is written over that would be broken: the test then tells what is. */
function write(served: ReadonlyMap<string, OpenApiObject>): void {
  mkdirSync(DIRECTORY, { recursive: true });
  for (const [file, document] of served) {
    const committed = read(file);
    if (committed !== undefined && breakingChanges(committed, document).length > 0) continue;
    writeFileSync(join(DIRECTORY, file), `${JSON.stringify(document, undefined, 1)}\n`);
  }
}
