import { type Client, credentials, Metadata, makeGenericClientConstructor } from '@grpc/grpc-js';
import { Controller, Get, Module, Param, Post } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { Registry } from 'prom-client';
import { Rejection } from '#libs/contracts';
import { FenceServiceService } from '#libs/contracts/gen/latchkey/v1/fence_service';
import { UsageServiceService } from '#libs/contracts/gen/latchkey/v1/usage_service';
import { VerifierServiceService } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { eventually } from '#libs/testing/eventually';
import { freePort } from '#libs/testing/free-port';
import { readEnvironment } from './environment.js';
import { createLogger } from './logger.js';
import { type RunningService, serveApplication } from './serve.js';
import { serviceTokens } from './service-callers.js';
import { RequireRole } from './service-token.guard.js';
import { standardVariables } from './standard-variables.js';
import { streamMethod } from './stream-call.hook.js';
import { unaryMethod } from './unary-call.hook.js';
import { receiveWebhooks, type WebhookReceiver } from './webhook-receiver.contract.js';

const KEY = `lk_live_${'aB3'.repeat(13)}`;
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;
const TOKEN = 'a-service-token-of-a-caller';

const broken = () => new Error(`duplicate key value violates "things_pkey" for ${KEY}`);

@Controller()
class ThingsController {
  @Get('v1/things/:id')
  get(@Param('id') id: string): never {
    if (id === 'none') throw new Rejection('NOT_FOUND');
    throw broken();
  }

  @Post('v1/things')
  create(): never {
    throw broken();
  }

  @GrpcMethod('latchkey.v1.UsageService', 'getKeyUsage')
  @RequireRole('usage')
  usage(): never {
    throw broken();
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

interface Line {
  msg: string;
  errorId?: string;
}

describe('an internal error', () => {
  let receiver: WebhookReceiver;
  let metrics: Registry;
  let lines: Line[];
  let service: RunningService;
  let client: Client | undefined;
  beforeEach(async () => {
    receiver = await receiveWebhooks();
    lines = [];
    service = await serve();
  });
  afterEach(async () => {
    client?.close();
    await service.close();
    await receiver.close();
  });

  async function serve(): Promise<RunningService> {
    metrics = new Registry();
    const table = {
      callers: serviceTokens('LATCHKEY_SERVICE_TOKENS', 'who may call'),
      tracker: standardVariables.errorTrackerUrl,
    };
    const { callers, tracker } = readEnvironment(table, {
      LATCHKEY_SERVICE_TOKENS: `caller:${TOKEN}:verify+fence+usage`,
      LATCHKEY_ERROR_TRACKER_URL: receiver.url,
    });
    return serveApplication({
      name: 'things',
      title: 'Things',
      description: 'Fails.',
      module: { module: ThingsModule },
      logger: createLogger('things', 'info', { write: (line) => void lines.push(JSON.parse(line) as Line) }),
      metrics,
      dependencies: [],
      http: { host: '127.0.0.1', port: 0, variable: 'LATCHKEY_THINGS_PORT' },
      trustedProxies: [],
      errorTrackerUrl: tracker,
      docsPage: false,
      grpc: {
        host: '127.0.0.1',
        port: await freePort(),
        variable: 'LATCHKEY_THINGS_GRPC_PORT',
        services: { 'latchkey.v1.UsageService': UsageServiceService },
        unary: [
          unaryMethod(VerifierServiceService.verify, 'verify', () => {
            throw broken();
          }),
          unaryMethod(VerifierServiceService.verifyBatch, 'verify', () => Promise.reject(broken())),
        ],
        streams: [streamMethod(FenceServiceService.watch, 'fence', (stream) => stream.end(broken()))],
        callers,
      },
    });
  }

  const faultLines = () => lines.filter(({ msg }) => msg === 'internal error');
  const reports = () => receiver.received.map(({ body }) => JSON.parse(body) as Line & { route: string });
  async function counts(): Promise<Record<string, number>> {
    const metric = await metrics.getSingleMetric('latchkey_faults_total')?.get();
    const values = metric?.values.filter(({ labels }) => labels['service'] === 'things') ?? [];
    return Object.fromEntries(values.map(({ labels, value }) => [String(labels['route']), value]));
  }
  const occurred = async () =>
    Object.fromEntries(Object.entries(await counts()).filter(([, value]) => value > 0));

  async function expectKnownAs(errorId: unknown, place: object): Promise<void> {
    expect(errorId).toMatch(/^[0-9a-f-]{36}$/);
    expect(faultLines()).toEqual([expect.objectContaining({ level: 'error', errorId, ...place })]);
    await eventually(() =>
      expect(reports()).toEqual([expect.objectContaining({ service: 'things', errorId, ...place })]),
    );
  }

  it('has one id in the answer, the log and the error tracker, where request, trace and route are too', async () => {
    const response = await fetch(`${service.httpUrl}/v1/things/7?key=${KEY}`, {
      headers: { traceparent: TRACEPARENT, authorization: `Bearer ${KEY}` },
    });
    const answer = (await response.json()) as { errorId: string; requestId: string };
    expect(response.status).toBe(500);
    const { requestId, errorId } = answer;
    await expectKnownAs(errorId, { requestId, traceId: TRACE, route: '/v1/things/:id', method: 'GET' });
    expect(await occurred()).toEqual({ '/v1/things/:id': 1 });
  });

  it('shows nobody the key, the headers or the body of its request', async () => {
    const response = await fetch(`${service.httpUrl}/v1/things`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${KEY}`,
        'content-type': 'application/json',
        cookie: 'c=of-a-header',
      },
      body: JSON.stringify({ note: 'of-a-body' }),
    });
    const everything = [await response.text()];
    await eventually(() => expect(reports()).toHaveLength(1));
    everything.push(JSON.stringify(lines), ...receiver.received.map(({ body }) => body));
    for (const text of everything) {
      expect(text).not.toContain(KEY.slice(-20));
      expect(text).not.toContain('of-a-header');
      expect(text).not.toContain('of-a-body');
    }
  });

  it.each([
    ['that Nest serves', UsageServiceService.getKeyUsage],
    ['that throws', VerifierServiceService.verify],
    ['that rejects', VerifierServiceService.verifyBatch],
    ['with streams', FenceServiceService.watch],
  ])('of a gRPC method %s is known by the path of the method', async (_, { path, requestStream }) => {
    const constructor = makeGenericClientConstructor({}, 'Things');
    client = new constructor(service.grpcAddress ?? '', credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${TOKEN}`);
    metadata.set('traceparent', TRACEPARENT);
    const details = await new Promise<string>((resolve) => {
      const bytes = [(request: Buffer) => request, (response: Buffer) => response] as const;
      const failed = (error: { details: string } | null) => resolve(error?.details ?? '');
      if (requestStream)
        client
          ?.makeBidiStreamRequest(path, ...bytes, metadata)
          .on('error', failed)
          .resume();
      else client?.makeUnaryRequest(path, ...bytes, Buffer.alloc(0), metadata, failed);
    });
    const [, errorId] = /^Internal error (\S+)\.$/.exec(details) ?? [];
    await expectKnownAs(errorId, { requestId: null, traceId: TRACE, route: path, method: 'gRPC' });
    expect(await occurred()).toEqual({ [path]: 1 });
  });

  it('is counted from 0 for every route and method there is, so that the first one is an increase', async () => {
    const known = await counts();
    expect(Object.values(known).every((value) => value === 0)).toBe(true);
    expect(Object.keys(known)).toEqual(
      expect.arrayContaining([
        'unknown',
        '/v1/things',
        '/v1/things/:id',
        UsageServiceService.getKeyUsage.path,
        VerifierServiceService.verify.path,
        FenceServiceService.watch.path,
      ]),
    );
  });

  it('is not what a refusal is', async () => {
    expect((await fetch(`${service.httpUrl}/v1/things/none`)).status).toBe(404);
    expect((await fetch(`${service.httpUrl}/nowhere`)).status).toBe(404);
    expect(await occurred()).toEqual({});
    expect(faultLines()).toEqual([]);
    expect(receiver.received).toEqual([]);
  });

  it.each([
    ['hangs', null],
    ['refuses', 500],
  ])('is answered the same while the error tracker %s', async (_, status) => {
    receiver.status = status;
    const response = await fetch(`${service.httpUrl}/v1/things/7`);
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ errorId: faultLines()[0]?.errorId });
    await receiver.close();
  });

  it('is handed over before the service ends', async () => {
    await fetch(`${service.httpUrl}/v1/things/7`);
    await service.close();
    expect(reports()).toHaveLength(1);
    service = await serve();
  });
});

describe('the address of an error tracker', () => {
  const problemsOf = (url: string) => {
    try {
      readEnvironment({ url: standardVariables.errorTrackerUrl }, { LATCHKEY_ERROR_TRACKER_URL: url });
    } catch (error) {
      return (error as { problems: string[] }).problems;
    }
    return [];
  };

  it.each(['', 'http://tracker:8080/hook', 'https://tracker.test/api/7?token=t'])('may be "%s"', (url) => {
    expect(problemsOf(url)).toEqual([]);
  });

  it.each(['tracker.test', 'ftp://tracker.test/', 'https://name:word@tracker.test/'])(
    'may not be "%s", and is not repeated in the error',
    (url) => {
      expect(problemsOf(url)).toEqual([
        expect.stringMatching(/^LATCHKEY_ERROR_TRACKER_URL (?!.*tracker\.test)/),
      ]);
    },
  );
});
