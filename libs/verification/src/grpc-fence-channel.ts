import { credentials } from '@grpc/grpc-js';
import {
  FenceKind as WireKind,
  type FenceEntry as WireEntry,
  FenceServiceClient,
} from '#libs/contracts/gen/latchkey/v1/fence_service';
import type { FenceEntry, FenceKind, Registration } from '#libs/fence';
import { FENCE_PROTOCOL_VERSION } from '#libs/fence';
import { channelOptions } from '#libs/service-kit';
import { GrpcCaller } from '#libs/service-kit/grpc-caller';
import {
  type CountedGrant,
  FenceChannel,
  type FencePushStream,
  type Incarnation,
  type PushListener,
} from './fence-channel.js';

const REGISTER_DEADLINE_MS = 2000;

/** Reaches key-management's fence over gRPC, with this service's token. */
export class GrpcFenceChannel extends FenceChannel {
  private readonly client: FenceServiceClient;
  private readonly caller: GrpcCaller;

  constructor(address: string, serviceToken: string) {
    super();
    this.client = new FenceServiceClient(address, credentials.createInsecure(), channelOptions);
    this.caller = new GrpcCaller(serviceToken, REGISTER_DEADLINE_MS);
  }

  override register(
    incarnation: Incarnation,
    { profiles, serveStaleMs }: { profiles: readonly string[]; serveStaleMs: number },
  ): Promise<Registration> {
    return this.caller.call(this.client.register.bind(this.client), {
      ...incarnation,
      protocolVersion: FENCE_PROTOCOL_VERSION,
      profiles: [...profiles],
      serveStaleMs,
    });
  }

  override async renew(incarnation: Incarnation, applied: number, deadlineMs: number): Promise<CountedGrant> {
    const request = { ...incarnation, applied: String(applied) };
    const grant = await this.caller.call(this.client.renew.bind(this.client), request, deadlineMs);
    if (grant.authorityTime === undefined) throw new Error('the authority answered without its time');
    return {
      protocolVersion: grant.protocolVersion,
      unknown: grant.unknown,
      epoch: grant.epoch,
      head: Number(grant.head),
      entries: grant.entries.map(entryOf),
      upTo: Number(grant.upTo),
      hasMore: grant.hasMore,
      leaseMs: grant.leaseMs,
      authorityTimeMs: grant.authorityTime.getTime(),
      liveVerifiers: grant.liveVerifiers,
    };
  }

  override watch(incarnation: Incarnation, applied: number, listener: PushListener): FencePushStream {
    const call = this.client.watch(this.caller.metadata);
    let over = false;
    const end = (error: unknown) => {
      if (!over) listener.onEnd(error);
      over = true;
    };
    call.on('data', ({ epoch, entries }) => {
      if (!over) listener.onPush(epoch, entries.map(entryOf));
    });
    call.on('error', end);
    call.on('end', () => end(undefined));
    const acknowledge = (upTo: number) => {
      if (!over) call.write({ ...incarnation, applied: String(upTo) });
    };
    acknowledge(applied);
    return {
      acknowledge,
      close() {
        over = true;
        call.cancel();
      },
    };
  }

  override async deregister(incarnation: Incarnation): Promise<void> {
    await this.caller.call(this.client.deregister.bind(this.client), incarnation);
  }

  override close(): void {
    this.client.close();
  }
}

/** By what stands on the wire; a kind that this version does not know has none, and is refused by the state machine. */
const KIND_OF: Partial<Record<WireKind, FenceKind>> = {
  [WireKind.KEY]: 'KEY',
  [WireKind.TENANT]: 'TENANT',
  [WireKind.HINT]: 'HINT',
};

function entryOf({ seq, kind, subject, floorVersion, terminal, profile }: WireEntry): FenceEntry {
  return {
    seq: Number(seq),
    kind: KIND_OF[kind] ?? (kind as unknown as FenceKind),
    subject,
    floorVersion: Number(floorVersion),
    terminal,
    profile,
  };
}
