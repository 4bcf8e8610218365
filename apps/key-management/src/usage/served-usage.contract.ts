/** A usage service that answers what a spec wants, over real gRPC. */
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import {
  type ListKeyUsageRequest,
  ListKeyUsageResponse,
  UsageServiceService,
} from '#libs/contracts/gen/latchkey/v1/usage_service';
import { freePort } from '#libs/service-kit/embedded-free-port';

export class ServedUsage {
  address = '';
  /** What it was asked, and with which token. */
  readonly asked: { request: ListKeyUsageRequest; authorization: unknown }[] = [];
  private server = new Server();

  constructor(private readonly usageOf: (keyId: string) => object) {}

  /** The address stays the same over stops and starts. */
  async start(): Promise<void> {
    if (this.address === '') this.address = `127.0.0.1:${await freePort()}`;
    this.server = new Server();
    this.server.addService(UsageServiceService, { listKeyUsage: this.listKeyUsage } as never);
    await new Promise<void>((resolve, reject) => {
      this.server.bindAsync(this.address, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  }

  stop(): void {
    this.server.forceShutdown();
  }

  private readonly listKeyUsage = (
    { request, metadata }: ServerUnaryCall<ListKeyUsageRequest, ListKeyUsageResponse>,
    answer: sendUnaryData<ListKeyUsageResponse>,
  ): void => {
    this.asked.push({ request, authorization: metadata.get('authorization')[0] });
    const usages = request.keyIds.map((keyId) => ({ keyId, ...this.usageOf(keyId) }));
    answer(null, ListKeyUsageResponse.fromPartial({ usages } as never));
  };
}
