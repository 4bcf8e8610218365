/** Makes the demo tenant and key as a user would: over the management HTTP API. */
export class HttpDemo {
  constructor(
    private readonly managementUrl: string,
    private readonly operatorToken: string,
  ) {}

  /** The demo key's secret where this call made the first key of the demo tenant; undefined where there was one. */
  async firstSecret(): Promise<string | undefined> {
    await this.ask('PUT', '/v1/tenants/demo', { name: 'Demo' });
    const { data } = (await this.ask('GET', '/v1/tenants/demo/keys?limit=1')) as { data: unknown[] };
    if (data.length > 0) return undefined;
    const { secret } = (await this.ask('POST', '/v1/tenants/demo/keys', {
      name: 'demo',
      environment: 'live',
      scopes: ['keys:manage', 'read', 'write'],
    })) as { secret: string };
    return secret;
  }

  private async ask(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(this.managementUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${this.operatorToken}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok)
      throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
    return response.json();
  }
}
