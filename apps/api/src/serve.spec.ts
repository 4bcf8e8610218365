import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { service as healthService } from 'grpc-health-check';
import type { RequestEventBatch } from '#libs/contracts';
import { Verdict, VerifierServiceService } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import type { LogRecord } from '#libs/event-log';
import { createLogger, readEnvironment } from '#libs/service-kit';
import type { RunningService } from '#libs/service-kit/serve';
import { eventually } from '#libs/testing/eventually';
import { variables } from './config.js';
import { serve } from './serve.js';
import { type ServedGrpc, serveGrpc } from './served-grpc.contract.js';
import { POSTGRES_AWAY } from './stand-in-documents.contract.js';
import { StandInEventLog } from './stand-in-event-log.contract.js';

describe('api with nothing behind it', () => {
  let directory: string;
  let eventLog: StandInEventLog;
  let service: RunningService;
  let verifier: ServedGrpc | undefined;
  let port: number;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'latchkey-api-'));
    const reserved = await serveGrpc(VerifierServiceService, {});
    port = Number(reserved.address.split(':')[1]);
    reserved.close();
    eventLog = new StandInEventLog();
    const config = readEnvironment(variables, {
      LATCHKEY_API_PORT: '0',
      LATCHKEY_SERVICE_TOKEN: 'a-service-token-of-the-api',
      LATCHKEY_VERIFIER_ADDRESS: `127.0.0.1:${port}`,
      LATCHKEY_DATA_DIR: directory,
      ...POSTGRES_AWAY,
      LATCHKEY_DOCS_PAGE: 'false',
    });
    service = await serve(config, { eventLog, logger: createLogger('api', 'silent') });
  });
  afterEach(async () => {
    await service.close();
    verifier?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const get = (path: string) =>
    fetch(`${service.httpUrl}${path}`, { headers: { authorization: 'Bearer some-key' } });

  it('starts, says what is away, and judges nobody', async () => {
    const readiness = await get('/health/ready');
    expect(readiness.status).toBe(503);
    expect(await readiness.json()).toEqual({
      ready: false,
      dependencies: { 'auth-verifier': 'down', spool: 'up' },
    });
    expect((await get('/health/live')).status).toBe(200);
    expect((await get('/v1/whoami')).status).toBe(503);
  });

  it('answers when the verifier is there, also while the log is away, which gets the request when it is back', async () => {
    verifier = await serveGrpc(
      { ...VerifierServiceService, ...healthService } as never,
      {
        // Reached is enough: a verifier may answer while something behind it is away.
        Check: () => ({ status: 'NOT_SERVING' }),
        verify: () => ({
          verdict: Verdict.VALID,
          requestId: 'r1',
          keyId: 'key_1',
          tenantId: 'acme',
          environment: 'live',
          scopes: [],
          expiresAt: undefined,
          secretGeneration: 1,
          revision: '',
        }),
      },
      port,
    );
    await eventually(async () => expect((await get('/health/ready')).status).toBe(200));
    expect((await get('/v1/whoami')).status).toBe(200);
    expect(eventLog.published).toHaveLength(0);
    eventLog.away = false;
    const record = await eventually(() => {
      expect(eventLog.published.length).toBeGreaterThan(0);
      return eventLog.published[0] as LogRecord;
    });
    const { events } = JSON.parse(record.value.toString()) as RequestEventBatch;
    expect(events).toMatchObject([{ requestId: 'r1', keyId: 'key_1', status: 200, route: '/v1/whoami' }]);
  });
});
