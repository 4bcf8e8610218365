import { describe, expect, it, jest } from '@jest/globals';
import { ServedForSuite } from './served-key-management.contract.js';

jest.setTimeout(60_000);

describe('who is not the operator', () => {
  const served = new ServedForSuite();

  it.each([
    '',
    'Bearer',
    'Bearer ',
    'Bearer wrong',
    'Basic b3BlcmF0b3I6b3BlcmF0b3I=',
    'operator-token-of-the-specs',
  ])('is 401 on every route: %j', async (authorization) => {
    const key = '/v1/tenants/acme/keys/key_00112233445566778899aabbccddee';
    const routes = [
      'PUT /v1/tenants/acme',
      'GET /v1/tenants/acme',
      'POST /v1/tenants/acme/suspend',
      'POST /v1/tenants/acme/resume',
      'POST /v1/tenants/acme/keys',
      'GET /v1/tenants/acme/keys',
      'POST /v1/tenants/acme/keys/import',
      `GET ${key}`,
      `PATCH ${key}`,
      `POST ${key}/rotate`,
      `POST ${key}/retire-previous-secret`,
      `POST ${key}/revoke`,
      `GET ${key}/events`,
      `GET ${key}/usage`,
    ];
    for (const route of routes) {
      const [method = '', path = ''] = route.split(' ');
      const { status, headers } = await served.ask(method, path, { headers: { authorization } });
      expect([route, status]).toEqual([route, 401]);
      expect(headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
  });

  it('is served the description, health and metrics', async () => {
    const { status, body } = await served.ask('GET', '/openapi.json', { headers: { authorization: '' } });
    expect(status).toBe(200);
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining([
        '/v1/tenants/{tenantId}',
        '/v1/tenants/{tenantId}/suspend',
        '/v1/tenants/{tenantId}/resume',
        '/v1/tenants/{tenantId}/keys',
        '/v1/tenants/{tenantId}/keys/import',
        '/v1/tenants/{tenantId}/keys/{keyId}',
        '/v1/tenants/{tenantId}/keys/{keyId}/rotate',
        '/v1/tenants/{tenantId}/keys/{keyId}/retire-previous-secret',
        '/v1/tenants/{tenantId}/keys/{keyId}/revoke',
        '/v1/tenants/{tenantId}/keys/{keyId}/events',
        '/v1/tenants/{tenantId}/keys/{keyId}/usage',
      ]),
    );
    expect((await served.ask('GET', '/health/ready')).body).toEqual({
      ready: true,
      dependencies: { postgres: 'up', 'event-log': 'up' },
    });
    expect((await fetch(`${served.service.httpUrl}/metrics`)).status).toBe(200);
  });

  it.each(['/', '/v1', '/v1/tenants', '/v1/tenants/acme/nothing', '/v2/tenants/acme', '/%ff', '/v1/%00'])(
    'finds nothing at %s',
    async (path) => {
      expect((await served.ask('GET', path)).status).toBe(404);
    },
  );
});
