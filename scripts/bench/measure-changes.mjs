/** How soon a change is seen: from the answer to it until a verifier that is asked without pause answers so. */
import grpc from '@grpc/grpc-js';

const SEEN_TIMEOUT_MS = 30_000;

/** Resolves to `{ created, revoked }`, milliseconds each, of `changes` keys made and revoked one after the other. */
export async function measureChanges({ latchkey, management, tenantIds, changes }) {
  const { Counting, Verdict, VerifierServiceClient, VerifyRequest } = await import(
    '#libs/contracts/gen/latchkey/v1/verifier_service'
  );
  const client = new VerifierServiceClient(latchkey.addresses.verifier, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${latchkey.serviceToken}`);
  const verdictOf = (credential) =>
    new Promise((resolve, reject) => {
      const request = VerifyRequest.fromPartial({ credential, counting: Counting.CALLER_REPORTS });
      const deadline = { deadline: Date.now() + SEEN_TIMEOUT_MS };
      client.verify(request, metadata, deadline, (error, answer) =>
        error ? reject(error) : resolve(answer.verdict),
      );
    });
  const msUntil = async (credential, verdict) => {
    const startMs = performance.now();
    while ((await verdictOf(credential)) !== verdict) {
      if (performance.now() - startMs > SEEN_TIMEOUT_MS)
        throw new Error(`no ${verdict} in ${SEEN_TIMEOUT_MS} ms`);
    }
    return performance.now() - startMs;
  };

  const [created, revoked] = [[], []];
  try {
    for (let n = 0; n < changes; n += 1) {
      const path = `/v1/tenants/${tenantIds[n % tenantIds.length]}/keys`;
      const wish = { name: 'bench', environment: 'live', scopes: ['read'] };
      const { key, secret } = await management.call('POST', path, wish);
      created.push(await msUntil(secret, Verdict.VALID));
      await management.call('POST', `${path}/${key.id}/revoke`, { reason: 'bench' });
      revoked.push(await msUntil(secret, Verdict.REVOKED));
    }
  } finally {
    client.close();
  }
  return { created, revoked };
}
