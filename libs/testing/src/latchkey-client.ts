import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  type RequestReport,
  VerifierServiceClient,
  VerifyRequest,
  type VerifyResponse,
} from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { channelOptions } from '#libs/service-kit';
import type { UnaryMethod } from '#libs/service-kit/grpc-caller';
import type { Latchkey } from './latchkey-processes.js';

/** An HTTP answer with its JSON body read. */
export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  body: any;
}

/** Uses a running Latchkey as its users do: the operator over HTTP, services over gRPC, clients at the API. */
export class LatchkeyClient {
  private readonly verifier: VerifierServiceClient;

  constructor(private readonly latchkey: Latchkey) {
    const { verifier } = latchkey.addresses;
    this.verifier = new VerifierServiceClient(verifier, credentials.createInsecure(), channelOptions);
  }

  /** A request of the operator to the management HTTP API. */
  manage(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
    return ask(this.latchkey.managementUrl + path, method, this.latchkey.operatorToken, body, headers);
  }

  /** A request of a client with a key to the public API. */
  api(
    method: string,
    path: string,
    secret: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return ask(this.latchkey.apiUrl + path, method, secret, body, headers);
  }

  verify(credential: string, request: Partial<VerifyRequest> = {}): Promise<VerifyResponse> {
    const message = VerifyRequest.fromPartial({ credential, ...request });
    return this.call(this.verifier.verify.bind(this.verifier), message);
  }

  async verdict(credential: string, request: Partial<VerifyRequest> = {}): Promise<string> {
    return (await this.verify(credential, request)).verdict.replace('VERDICT_', '');
  }

  async verdictsOfBatch(credentialsToVerify: string[]): Promise<string[]> {
    const requests = credentialsToVerify.map((credential) => VerifyRequest.fromPartial({ credential }));
    const { results } = await this.call(this.verifier.verifyBatch.bind(this.verifier), { requests });
    return results.map(({ verdict }) => verdict.replace('VERDICT_', ''));
  }

  async report(reports: RequestReport[]): Promise<number> {
    return (await this.call(this.verifier.reportRequests.bind(this.verifier), { reports })).accepted;
  }

  close(): void {
    this.verifier.close();
  }

  private call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
  ): Promise<Response> {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${this.latchkey.serviceToken}`);
    return new Promise((resolve, reject) => {
      method(request, metadata, { deadline: Date.now() + 10_000 }, (error: ServiceError | null, response) => {
        if (error === null) resolve(response);
        else reject(error);
      });
    });
  }
}

async function ask(
  url: string,
  method: string,
  token: string,
  body: object | undefined,
  headers: Record<string, string>,
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}
