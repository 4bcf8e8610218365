import { Rejection } from '#libs/contracts';
import {
  type DeregisterRequest,
  DeregisterResponse,
  FenceServiceService,
  type RegisterRequest,
  type RegisterResponse,
  type RenewRequest,
  RenewResponse,
  type WatchRequest,
  type WatchResponse,
} from '#libs/contracts/gen/latchkey/v1/fence_service';
import { FENCE_PROTOCOL_VERSION, grantOf } from '#libs/fence';
import { responseSerializer } from '#libs/service-kit/response-serializer';
import { type CallStream, streamMethod, type StreamMethod } from '#libs/service-kit/stream-call.hook';
import { unaryMethod, type UnaryMethod } from '#libs/service-kit/unary-call.hook';
import type { FenceLedger, Incarnation } from './fence-ledger.js';
import {
  entryMessageOf,
  incarnationOf,
  refuseServingTooLong,
  registrationOf,
  renewResponseOf,
  seqOf,
} from './fence-messages.js';
import type { FenceWatchRelay } from './fence-watch.relay.js';

/** The authority's side of the fence protocol over gRPC, for verifiers. */
export class FenceController {
  constructor(
    private readonly ledger: FenceLedger,
    private readonly watches: FenceWatchRelay,
  ) {}

  get methods(): UnaryMethod[] {
    return [
      unaryMethod(FenceServiceService.register, 'fence', (request) => this.register(request)),
      unaryMethod(
        { ...FenceServiceService.renew, responseSerialize: responseSerializer(RenewResponse) },
        'fence',
        (request) => this.renew(request),
      ),
      unaryMethod(FenceServiceService.deregister, 'fence', (request) => this.deregister(request)),
    ];
  }

  get streams(): StreamMethod[] {
    return [streamMethod(FenceServiceService.watch, 'fence', (stream) => this.watch(stream))];
  }

  private async register(request: RegisterRequest): Promise<RegisterResponse> {
    const { outcome, standing } = await this.ledger.register(registrationOf(request));
    if (outcome === 'serves_too_long') throw refuseServingTooLong(standing.serveStaleMaxMs);
    // An incarnation begins from nothing, which one that was there already may not have done.
    if (outcome === 'known_already') throw new Rejection('CONFLICT');
    const { epoch, head } = standing;
    return { protocolVersion: FENCE_PROTOCOL_VERSION, epoch, head: String(head) };
  }

  private async renew(request: RenewRequest): Promise<RenewResponse> {
    const { isKnown, standing, entries, liveVerifiers } = await this.ledger.renew(
      incarnationOf(request),
      seqOf(request.applied),
    );
    const grant = { ...standing, authorityTimeMs: Date.now() };
    return renewResponseOf(grantOf(isKnown ? {} : undefined, grant, entries), liveVerifiers);
  }

  private async deregister(request: DeregisterRequest): Promise<DeregisterResponse> {
    await this.ledger.deregister(incarnationOf(request));
    return DeregisterResponse.fromPartial({});
  }

  private watch(stream: CallStream<WatchRequest, WatchResponse>): void {
    let watching: (Incarnation & { name: string }) | undefined;
    stream.onClose(() => {
      if (watching !== undefined) this.watches.unwatch(watching.name);
    });
    stream.onMessage((request) => {
      const incarnation = incarnationOf(request);
      const applied = seqOf(request.applied);
      if (watching === undefined) {
        const name = this.watches.watch(incarnation, applied, {
          send: (epoch, entries) => stream.send({ epoch, entries: entries.map(entryMessageOf) }),
          end: (error) => stream.end(error),
        });
        watching = { ...incarnation, name };
      } else if (
        watching.verifierId === incarnation.verifierId &&
        watching.incarnation === incarnation.incarnation
      ) {
        this.watches.acknowledge(watching.name, applied);
      } else {
        throw new Rejection('INVALID_REQUEST', [
          { field: 'incarnation', message: 'must be the one that the watch began with' },
        ]);
      }
    });
  }
}
