import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a write or a verdict is at least as recent as. */
export interface Revision {
  epoch: string;
  /** The fence log's head at the commit, or what the verifier had applied. */
  head: number;
  /** Stream of the key or tenant, and its version. */
  stream: string;
  version: number;
}

/** An HMAC key of its deployment. */
interface SealKey {
  key: Buffer;
}

const MAC_BYTES = 16;

/**
 * Makes revisions opaque and ours: nobody can ask a verifier to wait for a revision that was never given out. Seals with
 * the first key, opens with any.
 */
export class RevisionSeal {
  constructor(private readonly keys: readonly [SealKey, ...SealKey[]]) {}

  seal({ epoch, head, stream, version }: Revision): string {
    const text = Buffer.from(JSON.stringify([epoch, head, stream, version]));
    return Buffer.concat([mac(this.keys[0].key, text), text]).toString('base64url');
  }

  /** Undefined for what is no revision of this deployment. */
  open(token: string): Revision | undefined {
    const bytes = Buffer.from(token, 'base64url');
    if (bytes.length <= MAC_BYTES || bytes.toString('base64url') !== token) return undefined;
    const [given, text] = [bytes.subarray(0, MAC_BYTES), bytes.subarray(MAC_BYTES)];
    if (!this.keys.some(({ key }) => timingSafeEqual(mac(key, text), given))) return undefined;
    const [epoch, head, stream, version] = JSON.parse(text.toString()) as [string, number, string, number];
    return { epoch, head, stream, version };
  }
}

function mac(key: Buffer, text: Buffer): Buffer {
  return createHmac('sha256', key).update('revision\n').update(text).digest().subarray(0, MAC_BYTES);
}
