/** What verifiers ask key-management for, served over gRPC on a free port. */
import { promisify } from 'node:util';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { FenceServiceService } from '#libs/contracts/gen/latchkey/v1/fence_service';
import {
  type FindSecretRecordRequest,
  type FindTenantRecordRequest,
  type FindTenantRecordResponse,
  KeyManagementServiceService,
} from '#libs/contracts/gen/latchkey/v1/key_management_service';
import { ExampleFence } from './fence-examples.contract.js';
import type { RecordPage } from './key-authority.js';
import type { ExampleAuthority } from './record-examples.contract.js';
import { fenceHandlers } from './served-fence.contract.js';
import { SystemClocks } from './system-clocks.js';

/** Serves what a verifier asks key-management for. */
export async function serveAuthority(
  authority: ExampleAuthority,
  fence = new ExampleFence(new SystemClocks()),
) {
  const server = new Server();
  type Answer<Response> = (error: Error | null, response?: Response) => void;
  const answer = <Response>(result: Promise<Response>, callback: Answer<Response>) => {
    result.then(
      (response) => callback(null, response),
      (error: Error) => callback(error),
    );
  };
  const none = { secret: undefined, tenant: undefined };
  server.addService(KeyManagementServiceService, {
    findSecretRecord: (call: { request: FindSecretRecordRequest }, callback: Answer<typeof none>) =>
      answer(
        authority.findSecret(call.request.digest).then((found) => (found ?? none) as typeof none),
        callback,
      ),
    findTenantRecord: (
      call: { request: FindTenantRecordRequest },
      callback: Answer<FindTenantRecordResponse>,
    ) =>
      answer(
        authority.findTenant(call.request.tenantId).then((tenant) => ({ tenant })),
        callback,
      ),
    listSecretRecords: (call: { request: { cursor: string } }, callback: Answer<RecordPage>) =>
      answer(authority.listSecrets(call.request.cursor), callback),
    listTenantRecords: (call: { request: { cursor: string } }, callback: Answer<RecordPage>) =>
      answer(authority.listTenants(call.request.cursor), callback),
  } as never);
  server.addService(FenceServiceService, fenceHandlers(fence));
  const bind = promisify(server.bindAsync.bind(server));
  const port = await bind('127.0.0.1:0', ServerCredentials.createInsecure());
  return { server, port };
}
