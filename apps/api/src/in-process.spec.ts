import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '#libs/key-secret';
import { createLogger, readEnvironment } from '#libs/service-kit';
import type { RunningService } from '#libs/service-kit/serve';
import { eventually } from '#libs/testing/eventually';
import { ExampleFence, keyChange } from '#libs/verification/fence-examples.contract';
import {
  ExampleAuthority,
  newCredential,
  sealKeys,
  secretRecord,
} from '#libs/verification/record-examples.contract';
import { serveAuthority } from '#libs/verification/served-authority.contract';
import { SystemClocks } from '#libs/verification/system-clocks';
import { variables } from './config.js';
import { serve } from './serve.js';
import { POSTGRES_AWAY } from './stand-in-documents.contract.js';
import { StandInEventLog } from './stand-in-event-log.contract.js';

const SEAL_KEYS = sealKeys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(',');

describe('api that verifies in its own process', () => {
  let directory: string;
  let authority: ExampleAuthority;
  let fence: ExampleFence;
  let management: Awaited<ReturnType<typeof serveAuthority>>;
  let eventLog: StandInEventLog;
  let service: RunningService;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'latchkey-api-'));
    authority = new ExampleAuthority();
    fence = new ExampleFence(new SystemClocks());
    fence.leaseMs = 2000;
    management = await serveAuthority(authority, fence);
    eventLog = new StandInEventLog();
    eventLog.away = false;
    const config = readEnvironment(variables, {
      LATCHKEY_API_PORT: '0',
      LATCHKEY_SERVICE_TOKEN: 'a-service-token-of-the-api',
      LATCHKEY_VERIFIER_MODE: 'in-process',
      LATCHKEY_MANAGEMENT_ADDRESS: `127.0.0.1:${management.port}`,
      LATCHKEY_SEAL_KEYS: SEAL_KEYS,
      LATCHKEY_DATA_DIR: directory,
      ...POSTGRES_AWAY,
      LATCHKEY_DOCS_PAGE: 'false',
    });
    service = await serve(config, { eventLog, logger: createLogger('api', 'silent') });
    await eventually(async () => expect((await get('/health/ready')).status).toBe(200));
  });
  afterEach(async () => {
    await service.close();
    management.server.forceShutdown();
    await rm(directory, { recursive: true, force: true });
  });

  const get = (path: string, credential = 'some-key') =>
    fetch(`${service.httpUrl}${path}`, { headers: { authorization: `Bearer ${credential}` } });

  it('lets a new key in at once, and refuses the very next request after its revocation is enforced', async () => {
    const credential = newCredential();
    authority.knows(secretRecord({ digest: digestOf(credential) }));
    expect((await get('/v1/whoami', credential)).status).toBe(200);
    const { via } = await fence.commit(keyChange('key-1', 2, { terminal: true }));
    const refused = await get('/v1/whoami', credential);
    expect(via).toBe('acks');
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ code: 'CREDENTIAL_REVOKED' });
    await eventually(() => expect(eventLog.published.length).toBeGreaterThan(0));
  });

  it('asks nobody about a key that it has near by', async () => {
    const credential = newCredential();
    authority.knows(secretRecord({ digest: digestOf(credential) }));
    expect((await get('/v1/whoami', credential)).status).toBe(200);
    authority.away = true;
    expect((await get('/v1/whoami', credential)).status).toBe(200);
  });

  it('judges nobody and is not ready without a lease', async () => {
    const credential = newCredential();
    authority.knows(secretRecord({ digest: digestOf(credential) }));
    fence.away = true;
    await eventually(async () => {
      expect((await get('/v1/whoami', credential)).status).toBe(503);
      const readiness = await get('/health/ready');
      expect(readiness.status).toBe(503);
      expect(await readiness.json()).toMatchObject({ dependencies: { fence: 'down' } });
    });
    fence.away = false;
    await eventually(async () => expect((await get('/v1/whoami', credential)).status).toBe(200));
  });
});

describe('the configuration of where the api verifies', () => {
  const environment = { ...POSTGRES_AWAY, LATCHKEY_SERVICE_TOKEN: 'a-service-token-of-the-api' };
  const problemsOf = (changes: Record<string, string>) => {
    try {
      readEnvironment(variables, { ...environment, ...changes });
    } catch (error) {
      return (error as { problems: string[] }).problems;
    }
    return [];
  };

  it('needs the seal keys in process, and none of them remote', () => {
    expect(problemsOf({})).toEqual([]);
    expect(problemsOf({ LATCHKEY_VERIFIER_MODE: 'in-process', LATCHKEY_SEAL_KEYS: SEAL_KEYS })).toEqual([]);
    expect(problemsOf({ LATCHKEY_VERIFIER_MODE: 'in-process' })).toEqual([
      'LATCHKEY_SEAL_KEYS is not set, and LATCHKEY_VERIFIER_MODE=in-process needs it',
    ]);
  });

  it('is one of the two', () => {
    expect(problemsOf({ LATCHKEY_VERIFIER_MODE: 'both' })).toEqual([
      'LATCHKEY_VERIFIER_MODE is neither remote nor in-process: "both"',
    ]);
  });
});
