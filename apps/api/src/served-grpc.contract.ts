/** A gRPC server on a free port of this process, for the specs of what calls the other services. */
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { Registry } from 'prom-client';
import { createLogger } from '#libs/service-kit';
import { ErrorsFilter } from '#libs/service-kit/errors.filter';
import { FaultReporter } from '#libs/service-kit/fault.reporter';

export interface ServedGrpc {
  address: string;
  /** `authorization` of each call, in their order. */
  tokens: string[];
  close(): void;
}

const errors = new ErrorsFilter(
  new FaultReporter({
    service: 'served',
    logger: createLogger('served', 'silent'),
    metrics: new Registry(),
  }),
);

type Handlers = Record<string, (request: never) => object>;

/** Answers with what the handlers return, and turns a thrown Rejection into the status that our services send. */
export async function serveGrpc(
  service: ServiceDefinition,
  handlers: Handlers,
  port = 0,
): Promise<ServedGrpc> {
  const server = new Server();
  const tokens: string[] = [];
  const implementation: UntypedServiceImplementation = {};
  for (const method of Object.keys(service)) {
    const handle: handleUnaryCall<unknown, object> = (call, callback) => {
      tokens.push(String(call.metadata.get('authorization')[0]));
      try {
        const handler = handlers[method];
        if (handler === undefined) throw new Error(`${method} is not expected`);
        callback(null, handler(call.request as never));
      } catch (error) {
        callback(errors.grpcStatusOf(error, call));
      }
    };
    implementation[method] = handle;
  }
  server.addService(service, implementation);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, taken) =>
      error === null ? resolve(taken) : reject(error),
    );
  });
  return { address: `127.0.0.1:${bound}`, tokens, close: () => server.forceShutdown() };
}
