/** An {@link ExampleFence} over gRPC, as key-management serves the real one. */
import type { handleUnaryCall, ServerDuplexStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import {
  FenceKind as WireKind,
  type RegisterRequest,
  type RegisterResponse,
  type RenewRequest,
  type RenewResponse,
  type WatchRequest,
  type WatchResponse,
} from '#libs/contracts/gen/latchkey/v1/fence_service';
import type { FenceEntry } from '#libs/fence';
import type { ExampleFence } from './fence-examples.contract.js';
import type { Incarnation } from './fence-channel.js';

/** The handlers of FenceService. While the fence is away they end every call with UNAVAILABLE. */
export function fenceHandlers(fence: ExampleFence): UntypedServiceImplementation {
  const unary =
    <Request, Response>(answer: (request: Request) => Response): handleUnaryCall<Request, Response> =>
    ({ request }, callback) => {
      if (fence.away) callback({ code: 14, details: 'away' });
      else callback(null, answer(request));
    };
  return {
    register: unary<RegisterRequest, RegisterResponse>(({ verifierId, incarnation, ...terms }) => {
      const registration = fence.register({ verifierId, incarnation }, terms);
      return { ...registration, head: String(fence.head) };
    }),
    renew: unary<RenewRequest, RenewResponse>(({ verifierId, incarnation, applied }) => {
      const grant = fence.renew({ verifierId, incarnation }, Number(applied));
      return {
        ...grant,
        head: String(grant.head),
        upTo: String(grant.upTo),
        entries: grant.entries.map(wireOf),
        authorityTime: new Date(grant.authorityTimeMs),
      };
    }),
    deregister: unary<Incarnation, object>((incarnation) => {
      fence.deregister(incarnation);
      return {};
    }),
    watch(call: ServerDuplexStream<WatchRequest, WatchResponse>) {
      let watching = false;
      call.on('data', ({ verifierId, incarnation, applied }: WatchRequest) => {
        if (watching) return fence.acknowledge({ verifierId, incarnation }, Number(applied));
        watching = true;
        fence.watch({ verifierId, incarnation }, Number(applied), {
          onPush: (epoch, entries) => call.write({ epoch, entries: entries.map(wireOf) }),
          onEnd: () => call.end(),
        });
      });
      call.on('error', () => undefined);
      call.on('end', () => call.end());
    },
  };
}

function wireOf({ seq, kind, floorVersion, ...entry }: FenceEntry) {
  return {
    ...entry,
    seq: String(seq),
    kind: WireKind[kind] ?? WireKind.UNRECOGNIZED,
    floorVersion: String(floorVersion),
  };
}
