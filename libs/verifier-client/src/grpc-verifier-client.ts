import { setTimeout as delay } from 'node:timers/promises';
import { type Client, credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import {
  Counting,
  VerifierServiceClient,
  type VerifyResponse,
} from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { channelOptions } from '#libs/service-kit';
import { GrpcCaller, type UnaryMethod } from '#libs/service-kit/grpc-caller';
import { RetryBudget, retryWaitMs } from './retry-policy.js';
import { VerifierClient, type VerifierQuestion } from './verifier-client.js';

/** The one method of grpc.health.v1.Health that is asked. */
type HealthClient = Client & { check: UnaryMethod<{ service: string }, { status: string }> };

const HealthClient = makeGenericClientConstructor(healthService, 'grpc.health.v1.Health');

/** Asks auth-verifier over gRPC, by the rule of docs/clients.md: a deadline, and at most one retry, within a budget. */
export class GrpcVerifierClient extends VerifierClient {
  private readonly client: VerifierServiceClient;
  private readonly health: HealthClient;
  private readonly caller: GrpcCaller;
  private readonly budget = new RetryBudget();

  /** `deadlineMs`: longest that a call takes, its retry included. */
  constructor(
    address: string,
    serviceToken: string,
    private readonly deadlineMs: number,
  ) {
    super();
    this.caller = new GrpcCaller(serviceToken, deadlineMs);
    this.client = new VerifierServiceClient(address, credentials.createInsecure(), channelOptions);
    this.health = new HealthClient(
      address,
      credentials.createInsecure(),
      channelOptions,
    ) as unknown as HealthClient;
  }

  override verify(question: VerifierQuestion): Promise<VerifyResponse> {
    const request = { ...question, counting: Counting.CALLER_REPORTS };
    return this.ask(this.client.verify.bind(this.client), request);
  }

  override async verifyBatch(questions: readonly VerifierQuestion[]): Promise<VerifyResponse[]> {
    const requests = questions.map((question) => ({ ...question, counting: Counting.CALLER_REPORTS }));
    const { results } = await this.ask(this.client.verifyBatch.bind(this.client), { requests });
    if (results.length !== questions.length) throw new Error('the verifier left out answers of a batch');
    return results;
  }

  /**
   * Rejects while the verifier can't be reached. Whether it calls itself ready does not matter: it may answer from what
   * it has while something behind it is away, and says so itself.
   */
  override async check(): Promise<void> {
    await this.caller.call(this.health.check.bind(this.health), { service: '' });
  }

  override async close(): Promise<void> {
    this.client.close();
    this.health.close();
  }

  private async ask<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
  ): Promise<Response> {
    const untilMs = performance.now() + this.deadlineMs;
    this.budget.called();
    try {
      return await this.caller.call(method, request);
    } catch (failure) {
      const waitMs = retryWaitMs(failure, untilMs - performance.now(), Math.random());
      if (waitMs === undefined || !this.budget.take()) throw failure;
      await delay(waitMs);
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0) throw failure;
      return this.caller.call(method, request, leftMs);
    }
  }
}
