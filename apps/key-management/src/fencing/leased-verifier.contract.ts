/** A verifier as the authority sees it: the real state machine behind a small gRPC client, for the integration specs. */
import { randomUUID } from 'node:crypto';
import { type ClientDuplexStream, credentials, type ServiceError, status } from '@grpc/grpc-js';
import {
  FenceServiceClient,
  RegisterRequest,
  type RenewResponse,
  type WatchRequest,
  type WatchResponse,
} from '#libs/contracts/gen/latchkey/v1/fence_service';
import { type AfterGrant, type FenceEntry, type FenceKind, FenceVerifier } from '#libs/fence';
import type { UnaryMethod } from '#libs/service-kit/grpc-caller';
import { bearer } from '../grpc-client.contract.js';
import { TOKENS } from '../served-key-management.contract.js';

export class LeasedVerifier {
  readonly incarnation = randomUUID();
  /** Every entry that was applied, in the order that it was. */
  readonly applied: FenceEntry[] = [];
  readonly fence: FenceVerifier;
  private readonly clients: FenceServiceClient[] = [];
  private readonly streams: ClientDuplexStream<WatchRequest, WatchResponse>[] = [];
  /** What a watch ended with. */
  readonly ended: string[] = [];

  constructor(
    private readonly grpcAddress: string,
    readonly verifierId = `verifier-${randomUUID()}`,
    serveStaleMs = 0,
  ) {
    const memory = { evict: (entry: FenceEntry) => this.applied.push(entry), clear: () => undefined };
    this.fence = new FenceVerifier(serveStaleMs, memory);
  }

  /** Registers, and takes its first lease. */
  static async leased(grpcAddress: string, verifierId?: string): Promise<LeasedVerifier> {
    const verifier = new LeasedVerifier(grpcAddress, verifierId);
    await verifier.register();
    await verifier.renew();
    return verifier;
  }

  async register(more: object = {}): Promise<void> {
    const { verifierId, incarnation } = this;
    const client = this.client();
    const response = await call(
      client.register.bind(client),
      RegisterRequest.fromPartial({ protocolVersion: 1, verifierId, incarnation, ...more }),
    );
    this.fence.registered(response);
  }

  /** Renews until there is a lease, or the authority wants something else. */
  async renew(grpcAddress = this.grpcAddress): Promise<AfterGrant> {
    for (;;) {
      const renewal = this.fence.renewing(performance.now());
      const after = this.fence.granted(grantFrom(await this.askForGrant(grpcAddress)), renewal);
      if (after !== 'more') return after;
    }
  }

  askForGrant(grpcAddress = this.grpcAddress, applied: string | number = this.fence.applied) {
    const { verifierId, incarnation } = this;
    const client = this.client(grpcAddress);
    return call(client.renew.bind(client), { verifierId, incarnation, applied: String(applied) });
  }

  /** Applies what is pushed, and acknowledges it unless it is to keep silent. */
  watch({ acknowledges = true, grpcAddress = this.grpcAddress } = {}): void {
    const stream = this.client(grpcAddress).watch(bearer(TOKENS.fence));
    this.streams.push(stream);
    const say = () =>
      stream.write({
        verifierId: this.verifierId,
        incarnation: this.incarnation,
        applied: String(this.fence.applied),
      });
    stream.on('data', ({ epoch, entries }: WatchResponse) => {
      if (this.fence.pushed(epoch, entries.map(entryFrom)) && acknowledges) say();
    });
    stream.on('error', (error: ServiceError) =>
      this.ended.push(String(error.metadata?.get('latchkey-rejection')[0] ?? status[error.code])),
    );
    stream.on('end', () => this.ended.push('OK'));
    say();
  }

  async deregister(): Promise<void> {
    const { verifierId, incarnation } = this;
    const client = this.client();
    await call(client.deregister.bind(client), { verifierId, incarnation });
  }

  close(): void {
    for (const stream of this.streams) stream.cancel();
    for (const client of this.clients) client.close();
  }

  private client(grpcAddress = this.grpcAddress): FenceServiceClient {
    const client = new FenceServiceClient(grpcAddress, credentials.createInsecure());
    this.clients.push(client);
    return client;
  }
}

function call<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + 20_000 };
    method(request, bearer(TOKENS.fence), options, (error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  });
}

function grantFrom({ head, upTo, entries, authorityTime, ...grant }: RenewResponse) {
  return {
    ...grant,
    head: Number(head),
    upTo: Number(upTo),
    entries: entries.map(entryFrom),
    authorityTimeMs: authorityTime?.getTime() ?? 0,
  };
}

function entryFrom({ seq, floorVersion, kind, ...entry }: WatchResponse['entries'][number]): FenceEntry {
  const name = kind.replace('FENCE_KIND_', '') as FenceKind;
  return { ...entry, kind: name, seq: Number(seq), floorVersion: Number(floorVersion) };
}
