import type {
  MethodDefinition,
  sendUnaryData,
  Server,
  ServerUnaryCall,
  ServiceDefinition,
} from '@grpc/grpc-js';
import type { ErrorsFilter } from './errors.filter.js';
import { allowedCaller, type Caller, type ServiceCallers, type ServiceRole } from './service-callers.js';

/**
 * A unary method that grpc-js serves by itself, without Nest's pipeline of guards, pipes, interceptors and observables:
 * for what is called with every request of a user (docs/adr/0005). Who may call, and how errors look on the wire, is
 * as for any other method.
 */
export interface UnaryMethod {
  definition: MethodDefinition<never, never>;
  role: ServiceRole;
  /** Its answer, without a promise where it is known at once. */
  handle: (request: never, caller: Caller) => unknown;
}

export function unaryMethod<Request, Response>(
  definition: MethodDefinition<Request, Response>,
  role: ServiceRole,
  handle: (request: Request, caller: Caller) => Response | Promise<Response>,
): UnaryMethod {
  return { definition: definition as never, role, handle };
}

export function addUnaryMethods(
  server: Pick<Server, 'addService'>,
  methods: readonly UnaryMethod[],
  callers: ServiceCallers,
  errors: ErrorsFilter,
): void {
  const definitions = methods.map(({ definition }) => [definition.path, definition]);
  const handlers = methods.map(({ definition, role, handle }) => {
    const handler = (call: ServerUnaryCall<never, unknown>, answer: sendUnaryData<unknown>) => {
      const fail = (error: unknown) => answer(errors.grpcStatusOf(error, call));
      let response: unknown;
      try {
        response = handle(
          call.request,
          allowedCaller(call.metadata.get('authorization')[0]?.toString(), role, callers),
        );
      } catch (error) {
        fail(error);
        return;
      }
      if (response instanceof Promise) response.then((value) => answer(null, value), fail);
      else answer(null, response);
    };
    return [definition.path, handler];
  });
  server.addService(Object.fromEntries(definitions) as ServiceDefinition, Object.fromEntries(handlers));
}
