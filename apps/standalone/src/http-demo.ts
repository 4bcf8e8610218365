/** The demo tenant, reached as a user would: over the management HTTP API. */
export class HttpDemo {
  constructor(
    private readonly managementUrl: string,
    private readonly operatorToken: string,
  ) {}

  async hasKeys(): Promise<boolean> {
    const response = await this.ask('GET', '/v1/tenants/demo/keys?limit=1');
    if (response.status === 404) return false;
    const { data } = (await bodyOf(response)) as { data: unknown[] };
    return data.length > 0;
  }

  async createKey(): Promise<string> {
    await bodyOf(await this.ask('PUT', '/v1/tenants/demo', { name: 'Demo' }));
    const response = await this.ask('POST', '/v1/tenants/demo/keys', {
      name: 'demo',
      environment: 'live',
      scopes: ['keys:manage', 'read', 'write'],
    });
    const { secret } = (await bodyOf(response)) as { secret: string };
    return secret;
  }

  private ask(method: string, path: string, body?: object): Promise<Response> {
    return fetch(this.managementUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${this.operatorToken}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
  }
}

async function bodyOf(response: Response): Promise<unknown> {
  if (response.ok) return response.json();
  throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
}
