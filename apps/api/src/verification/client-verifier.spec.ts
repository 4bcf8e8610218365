import { Rejection } from '#libs/contracts';
import {
  Consistency,
  Counting,
  Verdict,
  type VerifyRequest,
  VerifierServiceService,
} from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { eventually } from '#libs/testing/eventually';
import { GrpcVerifierClient } from '#libs/verifier-client/grpc-verifier-client';
import { type ServedGrpc, serveGrpc } from '../served-grpc.contract.js';
import { ClientVerifier } from './client-verifier.js';

const TOKEN = 'a-service-token-of-the-api';
const request = {
  credential: 'secret',
  profile: 'default',
  anyOfScopes: ['read'],
  route: '/v1/whoami',
  method: 'GET',
};
const answer = {
  verdict: Verdict.VALID,
  requestId: 'r1',
  keyId: 'key_1',
  tenantId: 'acme',
  environment: 'live',
  scopes: ['read'],
  expiresAt: new Date('2030-01-01T00:00:00.250Z'),
  secretGeneration: 2,
  revision: '',
  degraded: undefined,
};
const unattributed = {
  ...answer,
  keyId: '',
  tenantId: '',
  environment: '',
  scopes: [],
  expiresAt: undefined,
};

describe('ClientVerifier, asking over gRPC', () => {
  const asked: VerifyRequest[] = [];
  let respond: () => object;
  let server: ServedGrpc;
  let client: GrpcVerifierClient;
  let verifier: ClientVerifier;
  beforeEach(async () => {
    asked.length = 0;
    server = await serveGrpc(VerifierServiceService, {
      verify(question: VerifyRequest) {
        asked.push(question);
        return respond();
      },
    });
    client = new GrpcVerifierClient(server.address, TOKEN, 5000);
    verifier = new ClientVerifier(client);
  });
  afterEach(async () => {
    await client.close();
    server.close();
  });

  it('asks with its own token, and says that it counts the request itself', async () => {
    respond = () => answer;
    await verifier.verify(request);
    expect(server.tokens).toEqual([`Bearer ${TOKEN}`]);
    expect(asked).toEqual([
      {
        ...request,
        requiredScopes: [],
        anyOfScopes: { scopes: ['read'] },
        counting: Counting.CALLER_REPORTS,
        consistency: Consistency.LEASED,
        atLeastRevision: '',
      },
    ]);
  });

  it('hands on the key that a verdict names', async () => {
    respond = () => ({ ...answer, verdict: Verdict.REVOKED });
    const { keyId, tenantId, scopes, expiresAt, secretGeneration } = answer;
    expect(await verifier.verify(request)).toEqual({
      outcome: 'REVOKED',
      requestId: 'r1',
      key: { keyId, tenantId, environment: 'live', scopes, expiresAt, secretGeneration },
      rateLimit: null,
    });
  });

  it('hands on how the limit stands, and asks for no scope where none is needed', async () => {
    const rateLimit = { limit: 60, remaining: 0, resetMs: 60_000, retryAfterMs: 1200, degraded: false };
    respond = () => ({ ...answer, verdict: Verdict.RATE_LIMITED, rateLimit });
    const whoami = { ...request, profile: 'seyn', anyOfScopes: null };
    expect(await verifier.verify(whoami)).toMatchObject({ outcome: 'RATE_LIMITED', rateLimit });
    expect(asked).toMatchObject([{ profile: 'seyn', anyOfScopes: undefined }]);
  });

  it.each([Verdict.MALFORMED, Verdict.NOT_FOUND])('names no key on %s', async (verdict) => {
    respond = () => ({ ...unattributed, verdict });
    const outcome = verdict.slice('VERDICT_'.length);
    expect(await verifier.verify(request)).toEqual({ outcome, requestId: 'r1' });
  });

  it.each([Verdict.UNSPECIFIED, Verdict.UNRECOGNIZED])(
    'reaches no verdict on one that it does not know: %s',
    async (verdict) => {
      respond = () => ({ ...answer, verdict });
      await expect(verifier.verify(request)).rejects.toThrow(/unknown verdict/);
    },
  );

  it('reaches no verdict on a yes that names no key', async () => {
    respond = () => ({ ...unattributed, verdict: Verdict.VALID });
    await expect(verifier.verify(request)).rejects.toThrow(/without naming the key/);
  });

  it('takes the refusal of its own token for a fault, not for a refusal of the credential', async () => {
    respond = () => {
      throw new Rejection('UNAUTHENTICATED');
    };
    await expect(verifier.verify(request)).rejects.not.toBeInstanceOf(Rejection);
  });

  it('asks once more where the verifier could not answer, and no more than once', async () => {
    respond = () => {
      if (asked.length === 1) throw new Rejection('UNAVAILABLE');
      return answer;
    };
    expect((await verifier.verify(request)).outcome).toBe('VALID');
    respond = () => {
      throw new Rejection('FENCE_LEASE_LAPSED');
    };
    await expect(verifier.verify(request)).rejects.toMatchObject({ code: 'FENCE_LEASE_LAPSED' });
    expect(asked).toHaveLength(4);
  });

  it('spends no more retries than its budget while the verifier is away', async () => {
    respond = () => {
      throw new Rejection('UNAVAILABLE');
    };
    const calls = Array.from({ length: 50 }, () => verifier.verify(request).catch(() => undefined));
    await Promise.all(calls);
    expect(asked.length).toBeGreaterThan(50);
    expect(asked.length).toBeLessThanOrEqual(65);
  });

  it('is unavailable while nobody listens, and answers again soon after somebody does', async () => {
    respond = () => answer;
    const port = Number(server.address.split(':')[1]);
    server.close();
    await expect(verifier.verify(request)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(client.check()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    server = await serveGrpc(VerifierServiceService, { verify: () => respond() }, port);
    await eventually(async () => expect((await verifier.verify(request)).outcome).toBe('VALID'));
  });
});
