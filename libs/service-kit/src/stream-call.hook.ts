import type { MethodDefinition, Server, ServerDuplexStream, ServiceDefinition } from '@grpc/grpc-js';
import type { ErrorsFilter } from './errors.filter.js';
import { allowedCaller, type Caller, type ServiceCallers, type ServiceRole } from './service-callers.js';

/** Both directions of a call, to whoever serves it. */
export interface CallStream<Request, Response> {
  onMessage(take: (message: Request) => void): void;
  /** Called once, however the call ends: by the caller, a broken connection, or {@link end}. */
  onClose(closed: () => void): void;
  /** Does nothing once the call has ended. */
  send(message: Response): void;
  /** With the status of the error, as for any other method; without one, OK. */
  end(error?: unknown): void;
}

/** A method with streams in both directions, served by grpc-js itself as a unary one may be (unary-call.hook.ts). */
export interface StreamMethod {
  definition: MethodDefinition<never, never>;
  role: ServiceRole;
  handle: (stream: CallStream<never, never>, caller: Caller) => void;
}

export function streamMethod<Request, Response>(
  definition: MethodDefinition<Request, Response>,
  role: ServiceRole,
  handle: (stream: CallStream<Request, Response>, caller: Caller) => void,
): StreamMethod {
  return { definition: definition as never, role, handle: handle as never };
}

export function addStreamMethods(
  server: Pick<Server, 'addService'>,
  methods: readonly StreamMethod[],
  callers: ServiceCallers,
  errors: ErrorsFilter,
): void {
  const definitions = methods.map(({ definition }) => [definition.path, definition]);
  const handlers = methods.map(({ definition, role, handle }) => {
    const handler = (call: ServerDuplexStream<never, never>) => {
      const stream = callStreamOf(call, errors);
      try {
        handle(stream, allowedCaller(call.metadata.get('authorization')[0]?.toString(), role, callers));
      } catch (error) {
        stream.end(error);
      }
    };
    return [definition.path, handler];
  });
  server.addService(Object.fromEntries(definitions) as ServiceDefinition, Object.fromEntries(handlers));
}

function callStreamOf(
  call: ServerDuplexStream<never, never>,
  errors: ErrorsFilter,
): CallStream<never, never> {
  let isOpen = true;
  const closers: (() => void)[] = [];
  function close(): void {
    if (!isOpen) return;
    isOpen = false;
    for (const closed of closers) closed();
  }
  const stream: CallStream<never, never> = {
    onMessage(take) {
      call.on('data', (message: never) => {
        if (!isOpen) return;
        try {
          take(message);
        } catch (error) {
          stream.end(error);
        }
      });
    },
    onClose(closed) {
      closers.push(closed);
    },
    send(message) {
      if (isOpen) call.write(message);
    },
    end(error) {
      if (!isOpen) return;
      close();
      if (error === undefined) call.end();
      else call.emit('error', errors.grpcStatusOf(error, call));
    },
  };
  call.on('end', () => stream.end());
  call.on('cancelled', close);
  // What is no message of the method, or a connection that broke: grpc-js answers where there is still somebody.
  call.on('error', close);
  return stream;
}
