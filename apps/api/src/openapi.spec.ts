import { serveApi, type ServedApi } from './served-api.contract.js';

interface Operation {
  security?: object[];
  requestBody?: { content: Record<string, { schema: object }> };
  parameters?: { name: string; in: string }[];
  responses: Record<string, { description: string; content?: Record<string, { schema: { $ref: string } }> }>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, { properties: Record<string, object>; required?: string[] }>;
    securitySchemes: object;
  };
}

describe('the OpenAPI document of the running server', () => {
  let api: ServedApi;
  let document: Document;
  beforeAll(async () => {
    api = await serveApi();
    document = (await api.send('GET', '/openapi.json', [])).json() as unknown as Document;
  });
  afterAll(() => api.close());

  const operations = () =>
    Object.entries(document.paths)
      .filter(([path]) => path.startsWith('/v1/'))
      .flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
      );

  it('has the routes there are', () => {
    expect(
      operations()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual([
      'delete /v1/keys/{keyId}',
      'get /v1/account-version',
      'get /v1/enforcements/{revision}',
      'get /v1/keys',
      'get /v1/whoami',
      'post /v1/account-version',
      'post /v1/keys',
      'post /v1/keys/{keyId}/retire-previous-secret',
      'post /v1/keys/{keyId}/revoke',
      'post /v1/keys/{keyId}/rotate',
    ]);
  });

  it('says that they need a key', () => {
    expect(document.components.securitySchemes).toMatchObject({ bearer: { type: 'http', scheme: 'bearer' } });
    for (const { operation } of operations()) expect(operation.security).toEqual([{ bearer: [] }]);
  });

  it('describes every refusal as a problem, those of the verification on each route', () => {
    for (const { operation } of operations()) {
      const statuses = Object.keys(operation.responses);
      expect(statuses).toEqual(expect.arrayContaining(['401', '403', '429', '500', '503']));
      for (const status of statuses.filter((code) => Number(code) >= 400)) {
        expect(operation.responses[status]?.content).toEqual({
          'application/problem+json': { schema: { $ref: '#/components/schemas/ProblemResponse' } },
        });
      }
    }
  });

  it('shows an example of every request body', () => {
    for (const [name, { properties }] of Object.entries(document.components.schemas)) {
      if (!name.endsWith('Request')) continue;
      for (const property of Object.values(properties)) expect(property).toHaveProperty('example');
    }
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining(['CreateKeyRequest', 'RotateKeyRequest', 'RevokeKeyRequest', 'KeyListResponse']),
    );
    expect(document.paths['/v1/keys']?.post?.requestBody?.content).toHaveProperty('application/json');
  });
});
