import { InMemoryKeyView } from '#libs/key-view/in-memory-key-view';
import { GrpcVerifierClient } from '#libs/verifier-client/grpc-verifier-client';
import { CONTRACT_LEASE_MS, describeVerifierClient } from '#libs/verifier-client/verifier-client.contract';
import { startVerifier, tokens } from './served-verifier.contract.js';

describeVerifierClient('GrpcVerifierClient', async () => {
  const verifier = await startVerifier(new InMemoryKeyView(), {}, CONTRACT_LEASE_MS);
  const client = new GrpcVerifierClient(verifier.grpcAddress, tokens.verify, 3000);
  return {
    client,
    authority: verifier.authority,
    fence: verifier.fence,
    async close() {
      await client.close();
      await verifier.close();
    },
  };
});
