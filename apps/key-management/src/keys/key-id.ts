/** Ids are drawn here alone: nothing of another form ever names a key. */
const KEY_ID = /^key_[0-9a-f]{30}$/;

export function isKeyId(text: string): boolean {
  return KEY_ID.test(text);
}

/** `randomBytes` must be a CSPRNG. */
export function newKeyId(randomBytes: (length: number) => Buffer): string {
  return `key_${randomBytes(15).toString('hex')}`;
}
