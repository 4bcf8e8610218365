/** Calls key-management over gRPC as other services do, for the integration specs. */
import { afterAll, beforeAll } from '@jest/globals';
import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import {
  CreateKeyRequest,
  type CreateKeyResponse,
  KeyManagementServiceClient,
  ListKeysRequest,
  type ListKeysResponse,
  RevokeKeyRequest,
  type RevokeKeyResponse,
  RotateKeyRequest,
  type RotateKeyResponse,
} from '#libs/contracts/gen/latchkey/v1/key_management_service';
import type { UnaryMethod } from '#libs/service-kit/grpc-caller';
import { type ServedForSuite, TOKENS } from './served-key-management.contract.js';

/** What no status may carry. */
const INTERNALS =
  /node_modules|\bat \S+ \(|\.[jt]s:\d|QueryFailed|TypeError|RangeError|select |insert |relation |syntax|jsonb/i;

/** One client for all tests of a suite; throws on a status that shows internals. */
export class GrpcClient {
  client!: KeyManagementServiceClient;

  constructor(served: ServedForSuite) {
    beforeAll(() => {
      this.client = new KeyManagementServiceClient(
        served.service.grpcAddress as string,
        credentials.createInsecure(),
      );
    });
    afterAll(() => this.client.close());
  }

  call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    token: string = TOKENS.manage,
  ): Promise<Response> {
    const options = { deadline: Date.now() + 10_000 };
    return new Promise((resolve, reject) => {
      method(request, bearer(token), options, (error, response) => {
        if (error === null) resolve(response);
        else if (INTERNALS.test(error.details)) reject(new Error(`it says ${error.details}`));
        else reject(error);
      });
    });
  }

  create(tenantId: string, more: object = {}): Promise<CreateKeyResponse> {
    const key = { tenantId, name: 'a key', environment: 'live', scopes: ['read'] };
    return this.call(
      this.client.createKey.bind(this.client),
      CreateKeyRequest.fromPartial({ ...key, ...more }),
    );
  }

  list(tenantId: string, more: object = {}): Promise<ListKeysResponse> {
    return this.call(
      this.client.listKeys.bind(this.client),
      ListKeysRequest.fromPartial({ tenantId, ...more }),
    );
  }

  rotate(tenantId: string, keyId: string, more: object = {}): Promise<RotateKeyResponse> {
    return this.call(
      this.client.rotateKey.bind(this.client),
      RotateKeyRequest.fromPartial({ tenantId, keyId, ...more }),
    );
  }

  revoke(tenantId: string, keyId: string, more: object = {}): Promise<RevokeKeyResponse> {
    return this.call(
      this.client.revokeKey.bind(this.client),
      RevokeKeyRequest.fromPartial({ tenantId, keyId, ...more }),
    );
  }
}

export function bearer(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

/** The status, the code of the rejection and its first field; what was answered instead, where it was no refusal. */
export async function refusal(answer: Promise<unknown>): Promise<unknown[]> {
  const error = await answer.then(
    (response) => response as ServiceError,
    (reason: ServiceError) => reason,
  );
  if (!(error.metadata instanceof Metadata)) return [error];
  const fields = error.metadata.get('latchkey-fields-bin')[0];
  const code = error.metadata.get('latchkey-rejection')[0];
  const field = fields === undefined ? [] : [JSON.parse(fields.toString())[0].field];
  return [status[error.code], code, ...field];
}
