/** A gRPC server on a free port of this process, for the specs of what calls the other services. */
import {
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { REJECTIONS, Rejection } from '#libs/contracts';

export interface ServedGrpc {
  address: string;
  /** `authorization` of each call, in their order. */
  tokens: string[];
  close(): void;
}

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
        callback(errorOf(error));
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

function errorOf(error: unknown) {
  const metadata = new Metadata();
  if (!(error instanceof Rejection)) return { code: status.INTERNAL, details: String(error), metadata };
  metadata.set('latchkey-rejection', error.code);
  if (error.fields.length > 0) metadata.set('latchkey-fields-bin', Buffer.from(JSON.stringify(error.fields)));
  if (error.retryAfterSeconds !== undefined)
    metadata.set('latchkey-retry-after', String(error.retryAfterSeconds));
  return { code: status[REJECTIONS[error.code].grpc], details: error.message, metadata };
}
