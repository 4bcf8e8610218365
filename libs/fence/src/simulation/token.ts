import type { Revision } from '../revision-seal.js';

/** What a revision says, without the seal: nobody forges one here. */
export function tokenOf(
  epoch: string,
  head: number,
  { subject, version }: { subject: string; version: number },
): string {
  return `${epoch} ${head} ${version} ${subject}`;
}

export function revisionOf(token: string): Revision {
  const [epoch = '', head, version, ...stream] = token.split(' ');
  return { epoch, head: Number(head), version: Number(version), stream: stream.join(' ') };
}
