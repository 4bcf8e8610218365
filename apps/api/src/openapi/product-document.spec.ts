import { serveApi, type ServedApi } from '../served-api.contract.js';

interface Operation {
  security?: object[];
  requestBody?: { content: Record<string, { schema: object }> };
  parameters?: { name: string; in: string }[];
  responses: Record<string, Response | { $ref: string }>;
}

interface Response {
  description: string;
  content?: Record<string, { schema: { $ref: string } }>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, { properties: Record<string, object>; required?: string[] }>;
    securitySchemes: object;
    responses: Record<string, Response>;
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

  const shared = (ref: string) => document.components.responses[ref.split('/').at(-1) as string];

  it('has the routes there are', () => {
    expect(
      operations()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual([
      'delete /v1/keys/{keyId}',
      'delete /v1/notes/{id}',
      'get /v1/enforcements/{revision}',
      'get /v1/keys',
      'get /v1/notes',
      'get /v1/notes/{id}',
      'get /v1/whoami',
      'patch /v1/notes/{id}',
      'post /v1/keys',
      'post /v1/keys/{keyId}/retire-previous-secret',
      'post /v1/keys/{keyId}/revoke',
      'post /v1/keys/{keyId}/rotate',
      'post /v1/notes',
    ]);
  });

  it('says that they need a key', () => {
    expect(document.components.securitySchemes).toMatchObject({ bearer: { type: 'http', scheme: 'bearer' } });
    for (const { operation } of operations()) expect(operation.security).toEqual([{ bearer: [] }]);
  });

  it('describes every refusal in the product’s words, those of the verification on each operation', () => {
    for (const { operation } of operations()) {
      const statuses = Object.keys(operation.responses);
      expect(statuses).toEqual(expect.arrayContaining(['401', '403', '429', '500', '503']));
      for (const status of statuses.filter((code) => Number(code) >= 400)) {
        const response = operation.responses[status] as Response | { $ref: string };
        const shown = '$ref' in response ? shared(response.$ref) : response;
        expect(shown?.content?.['application/problem+json']?.schema).toEqual({
          $ref: '#/components/schemas/Error',
        });
      }
    }
    expect(document.components.schemas['Error']).toEqual({ $ref: '#/components/schemas/ProblemResponse' });
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
