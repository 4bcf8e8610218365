import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { service as healthService } from 'grpc-health-check';
import { FenceServiceService } from '#libs/contracts/gen/latchkey/v1/fence_service';
import { KeyManagementServiceService } from '#libs/contracts/gen/latchkey/v1/key_management_service';
import { UsageServiceService } from '#libs/contracts/gen/latchkey/v1/usage_service';
import { VerifierServiceService } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import type { ServiceRole } from '#libs/service-kit';
import type { Latchkey } from '#libs/testing/latchkey-processes';
import { methodAt, statusOfCall } from './grpc-call.js';

const SERVICES = {
  verifier: VerifierServiceService,
  management: { ...KeyManagementServiceService, ...FenceServiceService },
  usage: UsageServiceService,
} as const;

/** Which role each method asks for: no method is left out, and none is open. */
const ROLES: Record<string, ServiceRole> = {
  '/latchkey.v1.VerifierService/Verify': 'verify',
  '/latchkey.v1.VerifierService/VerifyBatch': 'verify',
  '/latchkey.v1.VerifierService/ReportRequests': 'report',
  '/latchkey.v1.KeyManagementService/CreateKey': 'manage',
  '/latchkey.v1.KeyManagementService/GetKey': 'manage',
  '/latchkey.v1.KeyManagementService/ListKeys': 'manage',
  '/latchkey.v1.KeyManagementService/RotateKey': 'manage',
  '/latchkey.v1.KeyManagementService/RetirePreviousSecret': 'manage',
  '/latchkey.v1.KeyManagementService/RevokeKey': 'manage',
  '/latchkey.v1.KeyManagementService/GetEnforcement': 'manage',
  '/latchkey.v1.FenceService/Register': 'fence',
  '/latchkey.v1.FenceService/Renew': 'fence',
  '/latchkey.v1.FenceService/Watch': 'fence',
  '/latchkey.v1.FenceService/Deregister': 'fence',
  '/latchkey.v1.KeyManagementService/FindSecretRecord': 'project',
  '/latchkey.v1.KeyManagementService/FindTenantRecord': 'project',
  '/latchkey.v1.KeyManagementService/ListSecretRecords': 'project',
  '/latchkey.v1.KeyManagementService/ListTenantRecords': 'project',
  '/latchkey.v1.UsageService/GetKeyUsage': 'usage',
  '/latchkey.v1.UsageService/ListKeyUsage': 'usage',
};

/** A Latchkey whose service tokens are known, and secrets that are no service tokens. */
export interface KnownCallers {
  latchkey: Latchkey;
  callers: Readonly<Record<string, { readonly token: string; readonly roles: readonly string[] }>>;
  otherSecrets: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const METHODS = Object.entries(SERVICES).flatMap(([server, service]) =>
  Object.values(service).map((method) => ({
    server: server as keyof typeof SERVICES,
    method: method as Method,
  })),
);
type Method = Parameters<typeof statusOfCall>[1];

export function describeGrpcIdentities(name: string, start: () => Promise<KnownCallers>): void {
  describe(`gRPC callers on ${name}`, () => {
    let known: KnownCallers;

    beforeAll(async () => {
      known = await start();
    }, 120_000);
    afterAll(() => known?.stop(), 60_000);

    /** Calls every method and gives what it ended with by path. */
    async function statusOfAll(headers: Record<string, string | string[]>): Promise<Record<string, string>> {
      const { addresses } = known.latchkey;
      const ended = METHODS.map(
        async ({ server, method }) =>
          [method.path, await statusOfCall(addresses[server], method, headers)] as const,
      );
      return Object.fromEntries(await Promise.all(ended));
    }

    const allEnd = (status: string) => Object.fromEntries(METHODS.map(({ method }) => [method.path, status]));

    it('are told apart in every method that there is', () => {
      expect(METHODS.map(({ method }) => method.path).toSorted()).toEqual(Object.keys(ROLES).toSorted());
    });

    it('without a token are nobody in every method', async () => {
      expect(await statusOfAll({})).toEqual(allEnd('UNAUTHENTICATED'));
    });

    it('with a token that nobody has are nobody in every method', async () => {
      const [{ token } = { token: '' }] = Object.values(known.callers);
      const unknown = [`${token}x`, token.slice(0, -1), 'x'.repeat(64), ...Object.values(known.otherSecrets)];
      for (const secret of unknown) {
        expect(await statusOfAll({ authorization: `Bearer ${secret}` })).toEqual(allEnd('UNAUTHENTICATED'));
      }
    });

    it('with a token in another form are nobody in every method', async () => {
      const [{ token } = { token: '' }] = Object.values(known.callers);
      const malformed = [
        '',
        token,
        'Bearer',
        `Basic ${token}`,
        `Basic ${Buffer.from(`user:${token}`).toString('base64')}`,
        `Bearer ${token} ${token}`,
        `Bearer ${token},Bearer ${token}`,
        `Bearer: ${token}`,
      ];
      for (const authorization of malformed) {
        expect(await statusOfAll({ authorization })).toEqual(allEnd('UNAUTHENTICATED'));
      }
      expect(await statusOfAll({ 'x-authorization': `Bearer ${token}`, token })).toEqual(
        allEnd('UNAUTHENTICATED'),
      );
    });

    it('may call the methods of their roles and no other', async () => {
      for (const [caller, { token, roles }] of Object.entries(known.callers)) {
        const ended = await statusOfAll({ authorization: `Bearer ${token}` });
        const admitted = Object.entries(ended).map(([path, status]) => {
          // An empty request is no good request, but it was looked at.
          const isLookedAt = ['OK', 'INVALID_ARGUMENT', 'NOT_FOUND'].includes(status);
          return [path, isLookedAt ? 'admitted' : status];
        });
        const expected = Object.entries(ROLES).map(([path, role]) => [
          path,
          roles.includes(role) ? 'admitted' : 'PERMISSION_DENIED',
        ]);
        expect([caller, Object.fromEntries(admitted)]).toEqual([caller, Object.fromEntries(expected)]);
      }
    });

    it('need no token to ask for health', async () => {
      const check = healthService['Check'] as unknown as Method;
      for (const address of Object.values(known.latchkey.addresses)) {
        await expect(statusOfCall(address, check, {})).resolves.toBe('OK');
      }
    });

    it('can not read the contracts from a server by reflection', async () => {
      const [{ token } = { token: '' }] = Object.values(known.callers);
      for (const address of Object.values(known.latchkey.addresses)) {
        for (const version of ['v1', 'v1alpha']) {
          const method = methodAt(`/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`);
          const ended = await statusOfCall(address, method, { authorization: `Bearer ${token}` });
          expect(ended).toBe('UNIMPLEMENTED');
        }
      }
    });
  });
}
