import { describe, expect, it } from '@jest/globals';
import { retryAfterSecondsOf, statusWithRetry } from './retry-info.js';

/** google.rpc.Status { code: 14, message: "away", details: [RetryInfo { retry_delay: 3 s }] }, as protobufjs writes it. */
const BY_PROTOBUFJS =
  '080e1204617761791a300a28747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e5265747279496e666f12040a020803';

describe('the details of a status', () => {
  it('are those that every gRPC client reads', () => {
    expect(statusWithRetry(14, 'away', 3).toString('hex')).toBe(BY_PROTOBUFJS);
  });

  it('tell the seconds until a retry makes sense', () => {
    expect(retryAfterSecondsOf(Buffer.from(BY_PROTOBUFJS, 'hex'))).toBe(3);
  });

  it.each([
    ['without details', Buffer.from('080e120461776179', 'hex')],
    [
      'with another detail',
      Buffer.from(BY_PROTOBUFJS.replace('5265747279496e666f', '4275674964496e666f'), 'hex'),
    ],
    ['cut off', Buffer.from(BY_PROTOBUFJS.slice(0, -6), 'hex')],
    ['that is none', Buffer.from('ffffffff', 'hex')],
    ['that is empty', Buffer.alloc(0)],
  ])('tell nothing where the status comes %s', (_, status) => {
    expect(retryAfterSecondsOf(status)).toBeUndefined();
  });
});
