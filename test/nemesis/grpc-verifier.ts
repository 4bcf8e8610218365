import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import {
  Consistency,
  VerifierServiceClient,
  VerifyRequest,
  type VerifyResponse,
} from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { channelOptions } from '#libs/service-kit';
import type { UnaryMethod } from '#libs/service-kit/grpc-caller';
import { DEADLINE_MS, type NemesisVerifier, type Question, type VerifierAnswer } from './nemesis-verifier.js';

/** A verifier that is back is asked again soon. */
const RECONNECT_MS_MAX = 250;

/** An auth-verifier, asked over gRPC. */
export class GrpcVerifier implements NemesisVerifier {
  readonly takesCredentialsAlone = false;
  private readonly client: VerifierServiceClient;
  private readonly metadata = new Metadata();

  constructor(
    readonly name: string,
    readonly incarnation: () => string,
    address: string,
    token: string,
  ) {
    this.client = new VerifierServiceClient(address, credentials.createInsecure(), {
      ...channelOptions,
      'grpc.max_reconnect_backoff_ms': RECONNECT_MS_MAX,
    });
    this.metadata.set('authorization', `Bearer ${token}`);
  }

  async verify(questions: readonly Question[]): Promise<VerifierAnswer[]> {
    const requests = questions.map(({ credential, requiredScopes, atLeastRevision }) =>
      VerifyRequest.fromPartial({
        credential,
        requiredScopes: [...requiredScopes],
        ...(atLeastRevision !== undefined && { consistency: Consistency.AT_LEAST_AS_FRESH, atLeastRevision }),
      }),
    );
    try {
      const [only] = requests;
      if (only !== undefined && requests.length === 1)
        return [answerOf(await this.call(this.client.verify.bind(this.client), only))];
      const { results } = await this.call(this.client.verifyBatch.bind(this.client), { requests });
      if (results.length !== requests.length) throw new Error('a batch has other results than requests');
      return results.map(answerOf);
    } catch (error) {
      const answer = refusalOf(error as ServiceError);
      return questions.map(() => ({ answer }));
    }
  }

  close(): void {
    this.client.close();
  }

  private call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      method(request, this.metadata, { deadline: Date.now() + DEADLINE_MS }, (error, response) => {
        if (error === null) resolve(response);
        else reject(error);
      });
    });
  }
}

function answerOf({ verdict, revision }: VerifyResponse): VerifierAnswer {
  return { answer: verdict.replace('VERDICT_', ''), ...(revision !== '' && { revision }) };
}

function refusalOf({ code, message, metadata }: ServiceError): string {
  return metadata?.get('latchkey-rejection')[0]?.toString() ?? status[code] ?? message;
}
