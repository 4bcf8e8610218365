import { portsOf, readConfig } from './config.js';

function problemsOf(environment: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    return (error as { problems: string[] }).problems;
  }
  return [];
}

describe('the configuration of the standalone process', () => {
  it('needs nothing in the environment', () => {
    expect(readConfig({})).toMatchObject({
      bindHost: '127.0.0.1',
      dataDirectory: '.latchkey',
      logLevel: 'warn',
    });
    expect(portsOf(readConfig({})).map(({ port }) => port)).toEqual([
      3000, 3001, 3002, 3003, 50051, 50052, 50053,
    ]);
  });

  it('tells every problem at once, also those of what is only handed on to a service', () => {
    expect(
      problemsOf({
        LATCHKEY_API_PORT: 'eighty',
        LATCHKEY_LOG_LEVEL: 'loud',
        LATCHKEY_DOCS_PAGE: 'maybe',
        LATCHKEY_PROFILES: 'default,nobody',
        LATCHKEY_TRUSTED_PROXIES: 'proxy',
        LATCHKEY_USAGE_GRPC_PORT: '0',
        LATCHKEY_VERIFIER_PORT: '3001',
      }),
    ).toEqual([
      expect.stringMatching(/^LATCHKEY_API_PORT .*"eighty"/),
      expect.stringMatching(/^LATCHKEY_USAGE_GRPC_PORT must not be 0/),
      expect.stringMatching(/^LATCHKEY_TRUSTED_PROXIES .*"proxy"/),
      expect.stringMatching(/^LATCHKEY_DOCS_PAGE .*"maybe"/),
      expect.stringMatching(/^LATCHKEY_LOG_LEVEL .*"loud"/),
      expect.stringMatching(/^LATCHKEY_PROFILES .*nobody\.yaml: there is no such file/s),
      'LATCHKEY_MANAGEMENT_PORT and LATCHKEY_VERIFIER_PORT are the same port: "3001"',
    ]);
  });

  it('refuses one port for two services', () => {
    expect(problemsOf({ LATCHKEY_API_PORT: '50051' })).toEqual([
      'LATCHKEY_API_PORT and LATCHKEY_VERIFIER_GRPC_PORT are the same port: "50051"',
    ]);
  });

  it('takes a free port for each HTTP service that asks for one', () => {
    expect(problemsOf({ LATCHKEY_API_PORT: '0', LATCHKEY_USAGE_PORT: '0' })).toEqual([]);
  });
});
