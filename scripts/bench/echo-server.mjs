/** The peer: @grpc/grpc-js and nothing else, answering `Verify` with one message that never changes. */
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';
import { root } from '../run.mjs';
import { serveWorker } from './worker.mjs';

const PROTOS = join(root, 'libs', 'contracts', 'proto');

serveWorker(async ({ response }) => {
  const definition = await protoLoader.load(join('latchkey', 'v1', 'verifier_service.proto'), {
    includeDirs: [PROTOS],
    keepCase: false,
  });
  const { VerifierService } = grpc.loadPackageDefinition(definition).latchkey.v1;
  const server = new grpc.Server();
  server.addService(VerifierService.service, { verify: (_, callback) => callback(null, response) });
  const port = await new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { started: { address: `127.0.0.1:${port}` }, stop: () => server.forceShutdown() };
});
