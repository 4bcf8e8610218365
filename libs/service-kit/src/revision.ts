/** The opaque token that every write and every verdict returns: which stream it saw, at which version. */
export function revisionOf(streamId: string, version: number): string {
  return Buffer.from(JSON.stringify([streamId, version])).toString('base64url');
}
