import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Cursors of lists: what they hold can be neither read nor changed by who carries them (AES-256-GCM), and each opens for
 * the list alone that it was sealed for.
 */
export class CursorSeal {
  private readonly key: Buffer;

  constructor(secret: string) {
    this.key = Buffer.from(hkdfSync('sha256', secret, '', 'latchkey list cursors', 32));
  }

  /** `list` is everything that tells this list from others: whose it is, of what, in which order. */
  seal(list: readonly string[], place: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.key, nonce, { authTagLength: TAG_BYTES }).setAAD(nameOf(list));
    const sealed = Buffer.concat([cipher.update(place, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
  }

  /** The place; undefined where the cursor is not one of this list. */
  open(list: readonly string[], cursor: string): string | undefined {
    const bytes = Buffer.from(cursor, 'base64url');
    // Other spellings of the same bytes are no cursors of ours either.
    if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== cursor) return undefined;
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, this.key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(nameOf(list))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      return (
        decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      );
    } catch {
      return undefined;
    }
  }
}

function nameOf(list: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(list));
}
