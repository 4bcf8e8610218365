import { describe, expect, it } from '@jest/globals';
import {
  Verdict,
  VerifyBatchResponse,
  VerifyResponse,
  type VerifyResponse as Response,
} from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { responseSerializer } from './response-serializer.js';

const answer = (changes: Partial<Response> = {}): Response =>
  VerifyResponse.fromPartial({ verdict: Verdict.VALID, keyId: 'key-1', scopes: ['read'], ...changes });

describe('responseSerializer', () => {
  it('writes what the generated code writes, whatever was written before', () => {
    const serialize = responseSerializer(VerifyBatchResponse);
    const many = { results: Array.from({ length: 100 }, (_, n) => answer({ revision: 'r'.repeat(n * 3) })) };
    const one = { results: [answer({ expiresAt: new Date(1000) })] };
    for (const message of [one, many, one, { results: [] }, many]) {
      expect(serialize(message)).toEqual(Buffer.from(VerifyBatchResponse.encode(message).finish()));
    }
  });

  it('hands out bytes that the next message leaves alone', () => {
    const serialize = responseSerializer(VerifyResponse);
    const [first, second] = [answer({ keyId: 'key-1' }), answer({ keyId: 'key-2' })];
    const [bytes] = [serialize(first), serialize(second)];
    expect(VerifyResponse.decode(bytes)).toEqual(first);
  });

  it('begins anew after a message that can not be written', () => {
    const serialize = responseSerializer(VerifyResponse);
    expect(() => serialize(answer({ secretGeneration: -1 }))).toThrow('invalid uint32');
    expect(VerifyResponse.decode(serialize(answer()))).toEqual(answer());
  });
});
