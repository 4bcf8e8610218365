/** One documented product on a running Latchkey: its users' requests, and what its operator does for them. */
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { LatchkeyClient } from '#libs/testing/latchkey-client';
import type { Latchkey } from '#libs/testing/latchkey-processes';

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
