import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { VerifierServiceClient, VerifyRequest } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import type { UnaryMethod } from '#libs/service-kit/grpc-caller';
import type { Latchkey } from '#libs/testing/latchkey-processes';

/** An answer as the client sees it. */
export interface Seen {
  status: number;
  text: string;
}

type HttpRequest = [
  url: string,
  /** A bearer token, or a whole `authorization` header where it has a space. */
  token: string | undefined,
  method?: string,
  body?: object | string,
  headers?: Record<string, string>,
];

/** A client that remembers every secret it was given, and everything else that it was answered. */
export class WatchingClient {
  /** Every secret there is, by what it is. */
  readonly secrets: Record<string, string> = {};
  /** All answers but those that show a new secret. */
  readonly answers: string[] = [];

  constructor(
    private readonly latchkey: Latchkey,
    private readonly traceId: string,
  ) {}

  /** A request whose answer must not show any secret. */
  async ask(...request: HttpRequest): Promise<Seen> {
    const { headers, ...seen } = await this.http(...request);
    this.answers.push(headers, seen.text);
    return seen;
  }

  /** A create or a rotation, whose answer is the one place for a new secret. */
  async issue(name: string, ...request: HttpRequest): Promise<{ keyId: string; secret: string }> {
    const { status, text, headers } = await this.http(...request);
    if (status !== 200 && status !== 201) throw new Error(`${name}: ${status} ${text}`);
    const { key, secret } = JSON.parse(text) as { key: { id: string }; secret: string };
    this.secrets[name] = secret;
    this.answers.push(headers);
    return { keyId: key.id, secret };
  }

  /** Verifies a credential by itself and in a batch. */
  async verify(
    credential: string,
    request: Partial<VerifyRequest> = {},
    token = this.latchkey.serviceToken,
  ): Promise<void> {
    const client = new VerifierServiceClient(this.latchkey.addresses.verifier, credentials.createInsecure());
    const message = VerifyRequest.fromPartial({ credential, ...request });
    const single = await this.call(client.verify.bind(client), message, token);
    const batch = await this.call(client.verifyBatch.bind(client), { requests: [message] }, token);
    client.close();
    this.answers.push(single.text, batch.text);
  }

  /** A gRPC call, with its answer, or its error and trailers, as text. */
  call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    token: string,
  ): Promise<{ response: Response; text: string }> {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    return new Promise((resolve) => {
      method(request, metadata, { deadline: Date.now() + 10_000 }, (error: ServiceError | null, response) => {
        const { code, details, metadata: trailers } = error ?? {};
        resolve({ response, text: JSON.stringify(error === null ? response : { code, details, trailers }) });
      });
    });
  }

  private async http(
    ...[url, token, method = 'GET', body, headers = {}]: HttpRequest
  ): Promise<Seen & { headers: string }> {
    const response = await fetch(url, {
      method,
      headers: {
        traceparent: `00-${this.traceId}-00f067aa0ba902b7-01`,
        ...(token !== undefined && { authorization: token.includes(' ') ? token : `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return {
      status: response.status,
      headers: JSON.stringify([...response.headers]),
      text: await response.text(),
    };
  }
}
