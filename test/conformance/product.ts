/** One documented product on a running Latchkey: its users' requests, and what its operator does for them. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { LatchkeyClient } from '#libs/testing/latchkey-client';
import type { Latchkey } from '#libs/testing/latchkey-processes';

const IMPORT = resolve('dist/apps/standalone/src/documents/main.js');

/** What came back over HTTP. */
export interface HttpAnswer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  body: any;
}

export interface IssuedKey {
  tenantId: string;
  keyId: string;
  secret: string;
  /** Path of the key at the management API. */
  path: string;
}

/** What its operator has. */
export interface Operating {
  /** What an operator's command finds the database by. */
  environment: Readonly<Record<string, string>>;
  databaseAdminUrl: string;
}

/** A document as it is answered. */
export interface Shown {
  id: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  [property: string]: any;
}

/** Whatever a user sends: a method, the path as it stands on the wire, and header lines. */
export interface Sent {
  method?: string;
  path: string;
  headers?: Record<string, string | string[]>;
  body?: unknown;
}

export class Product {
  readonly client: LatchkeyClient;

  constructor(
    private readonly latchkey: Latchkey,
    readonly profile: string,
    /** Path below which its API lies. */
    readonly basePath: string,
    /** Whether requests reach it as they would through a proxy that took them over HTTPS. */
    private readonly throughHttps: boolean,
    private readonly operating: Operating,
  ) {
    this.client = new LatchkeyClient(latchkey);
  }

  /** A request to the product's host, exactly as given; behind the proxy unless it says otherwise. */
  send({ method = 'GET', path, headers = {}, body }: Sent): Promise<HttpAnswer> {
    const { hostname, port } = new URL(this.latchkey.apiUrl);
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const sent = {
      host: `${this.profile}.localhost:${port}`,
      ...(this.throughHttps && { 'x-forwarded-proto': 'https' }),
      ...(payload !== undefined && {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(payload)),
      }),
      ...headers,
    };
    return new Promise((resolve, reject) => {
      const outgoing = request({ hostname, port, method, path, headers: sent, agent: false }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const isJson = /json/.test(incoming.headers['content-type'] ?? '');
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text,
            body: isJson && text !== '' ? JSON.parse(text) : undefined,
          });
        });
      });
      outgoing.on('error', reject);
      outgoing.end(payload);
    });
  }

  /** A request with a key, to a path below the base path. */
  as(
    secret: string,
    path: string,
    { method = 'GET', body, headers = {} }: Omit<Sent, 'path'> = {},
  ): Promise<HttpAnswer> {
    const authorization = `Bearer ${secret}`;
    return this.send({ method, path: this.basePath + path, headers: { authorization, ...headers }, body });
  }

  /** Makes a document of a collection; throws where it was refused. */
  async add(secret: string, path: string, body: object): Promise<Shown> {
    const made = await this.as(secret, path, { method: 'POST', body });
    if (made.status !== 201) throw new Error(`nothing was made: ${made.status} ${made.text}`);
    return made.body;
  }

  /** The ids on a page of a list. */
  async idsOf(secret: string, path: string): Promise<string[]> {
    const { status, body, text } = await this.as(secret, path);
    if (status !== 200) throw new Error(`no list: ${status} ${text}`);
    return body.data.map(({ id }: Shown) => id);
  }

  /** Adds documents to a collection as the operator does. */
  async import(tenantId: string, collection: string, documents: readonly object[]): Promise<void> {
    const directory = await mkdtemp(join(tmpdir(), 'latchkey-import-'));
    const file = join(directory, 'documents.jsonl');
    await writeFile(file, documents.map((each) => `${JSON.stringify(each)}\n`).join(''));
    const command = [
      IMPORT,
      '--profile',
      this.profile,
      '--tenant',
      tenantId,
      '--collection',
      collection,
      file,
    ];
    const env = { PATH: process.env['PATH'], ...this.operating.environment };
    await promisify(execFile)(process.execPath, command, { env });
    await rm(directory, { recursive: true });
  }

  /** Puts the account's first call into the days of an older version of the API. */
  async pin(tenantId: string, version: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.operating.databaseAdminUrl });
    await client.connect();
    try {
      await client.query('insert into api.account_versions values ($1, $2, now())', [tenantId, version]);
    } finally {
      await client.end();
    }
  }

  whoami(secret: string): Promise<HttpAnswer> {
    return this.as(secret, '/whoami');
  }

  /** Registers a tenant of the product. */
  async tenant(wish: object = {}): Promise<string> {
    const tenantId = `t-${randomUUID()}`;
    const { status, body } = await this.client.manage('PUT', `/v1/tenants/${tenantId}`, {
      profile: this.profile,
      ...wish,
    });
    if (status !== 201) throw new Error(`the tenant was not registered: ${status} ${JSON.stringify(body)}`);
    return tenantId;
  }

  /** Makes a key, of a tenant of its own where none is given; throws where it was refused. */
  async key(wish: object = {}, tenantId?: string): Promise<IssuedKey> {
    const owner = tenantId ?? (await this.tenant());
    const { status, body } = await this.tryKey(wish, owner);
    if (status !== 201) throw new Error(`the key was not made: ${status} ${JSON.stringify(body)}`);
    const path = `/v1/tenants/${owner}/keys/${body.key.id}`;
    return { tenantId: owner, keyId: body.key.id, secret: body.secret, path };
  }

  tryKey(wish: object, tenantId: string) {
    return this.client.manage('POST', `/v1/tenants/${tenantId}/keys`, {
      name: 'integration',
      environment: 'live',
      ...wish,
    });
  }

  /** What the key's insights say at the management API. */
  async usage({ path }: Pick<IssuedKey, 'path'>) {
    const { status, body } = await this.client.manage('GET', `${path}/usage`);
    if (status !== 200) throw new Error(`no usage: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** The key as the management API shows it. */
  async read({ path }: Pick<IssuedKey, 'path'>) {
    const { status, body } = await this.client.manage('GET', path);
    if (status !== 200) throw new Error(`no key: ${status} ${JSON.stringify(body)}`);
    return body.key;
  }

  async revoke({ path }: Pick<IssuedKey, 'path'>): Promise<void> {
    const { status, body } = await this.client.manage('POST', `${path}/revoke`, { reason: 'leaked' });
    if (status !== 200 || body.status !== 'enforced') throw new Error(`not enforced: ${status}`);
  }

  close(): void {
    this.client.close();
  }
}
