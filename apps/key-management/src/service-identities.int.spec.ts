import { describe, expect, it, jest } from '@jest/globals';
import { Metadata, status } from '@grpc/grpc-js';
import { KeyManagementServiceService } from '#libs/contracts/gen/latchkey/v1/key_management_service';
import { GrpcClient } from './grpc-client.contract.js';
import { ServedForSuite, TOKENS } from './served-key-management.contract.js';

jest.setTimeout(60_000);

describe('who calls KeyManagementService', () => {
  const served = new ServedForSuite();
  const grpc = new GrpcClient(served);

  const ROLES: Record<keyof typeof KeyManagementServiceService, keyof typeof TOKENS> = {
    createKey: 'manage',
    getKey: 'manage',
    listKeys: 'manage',
    rotateKey: 'manage',
    retirePreviousSecret: 'manage',
    revokeKey: 'manage',
    getEnforcement: 'manage',
    findSecretRecord: 'project',
    findTenantRecord: 'project',
    listSecretRecords: 'project',
    listTenantRecords: 'project',
  };

  /** An empty message is valid protobuf for every method. */
  function callEmpty(name: keyof typeof ROLES, headers: Record<string, string>): Promise<number> {
    const { path } = KeyManagementServiceService[name];
    const metadata = new Metadata();
    for (const [header, value] of Object.entries(headers)) metadata.set(header, value);
    return new Promise((resolve) => {
      grpc.client.makeUnaryRequest(
        path,
        () => Buffer.alloc(0),
        (bytes) => bytes,
        null,
        metadata,
        (error) => resolve(error?.code ?? status.OK),
      );
    });
  }

  it('covers every method there is', () => {
    expect(Object.keys(ROLES).toSorted()).toEqual(Object.keys(KeyManagementServiceService).toSorted());
  });

  describe.each(Object.entries(ROLES) as [keyof typeof ROLES, keyof typeof TOKENS][])('%s', (name, role) => {
    it.each([
      ['no token', {}],
      ['an empty token', { authorization: 'Bearer ' }],
      ['an unknown token', { authorization: 'Bearer unknown-token-of-nobody' }],
      ['a token without Bearer', { authorization: TOKENS[role] }],
      ['the beginning of the right token', { authorization: `Bearer ${TOKENS[role].slice(0, -1)}` }],
    ])('is UNAUTHENTICATED with %s', async (_, headers) => {
      expect(status[await callEmpty(name, headers as Record<string, string>)]).toBe('UNAUTHENTICATED');
    });

    it.each(Object.keys(TOKENS).filter((other) => other !== role))(
      'is PERMISSION_DENIED to the role %s',
      async (other) => {
        const headers = { authorization: `Bearer ${TOKENS[other as keyof typeof TOKENS]}` };
        expect(status[await callEmpty(name, headers)]).toBe('PERMISSION_DENIED');
      },
    );

    it(`looks at the request of the role ${role}`, async () => {
      const code = await callEmpty(name, { authorization: `Bearer ${TOKENS[role]}` });
      expect(['OK', 'INVALID_ARGUMENT', 'NOT_FOUND']).toContain(status[code]);
    });
  });
});
