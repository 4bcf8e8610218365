/** What the replay asks of the management HTTP API, as its operator. */
import { Agent, request as httpRequest } from 'node:http';

export class Management {
  constructor(url, operatorToken) {
    this.url = url;
    this.headers = { authorization: `Bearer ${operatorToken}`, 'content-type': 'application/json' };
    this.agent = new Agent({ keepAlive: true });
  }

  /** Registers a tenant and makes a key without scopes; resolves to `{ keyId, secret }`. */
  async makeKey(tenantId, name) {
    await this.call('PUT', `/v1/tenants/${tenantId}`, { name });
    const wish = { name: 'replay', environment: 'live', scopes: [] };
    const { key, secret } = await this.call('POST', `/v1/tenants/${tenantId}/keys`, wish);
    return { keyId: key.id, secret };
  }

  /** How many requests of the key are counted, whatever their outcome. */
  async countedRequests(tenantId, keyId) {
    const usage = await this.call('GET', `/v1/tenants/${tenantId}/keys/${keyId}/usage`);
    return usage.requests30d + usage.refused30d;
  }

  async call(method, path, body) {
    const { status, text } = await this.exchange(method, path, body && JSON.stringify(body));
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    return JSON.parse(text);
  }

  exchange(method, path, body) {
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? { authorization: this.headers.authorization } : this.headers;
      const request = httpRequest(new URL(path, this.url), { method, agent: this.agent, headers });
      request.once('error', reject);
      request.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => (text += chunk));
        response.once('error', reject);
        response.once('end', () => resolve({ status: response.statusCode, text }));
      });
      request.end(body);
    });
  }

  close() {
    this.agent.destroy();
  }
}
