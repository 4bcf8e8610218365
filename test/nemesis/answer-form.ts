import type { InvokeLine } from './history-lines.js';

/** An answer of the management HTTP API. */
export interface HttpAnswer {
  readonly status: number;
  readonly location: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: each command has a body of its own
  readonly body: any;
}

/** What the form of an answer depends on. */
export interface Asked extends Pick<InvokeLine, 'effect'> {
  /** What is changed, and is in the answer as it is now; absent where something is made. */
  readonly changes?: 'key' | 'tenant';
}

/** What is wrong with the form of an answer that says the command is done; undefined: nothing. */
export function flawOf({ effect, changes }: Asked, answer: HttpAnswer): string | undefined {
  const { status, location, body } = answer;
  if (changes === undefined) return undefined;
  if (typeof body.revision !== 'string' || body.revision === '') return 'without a revision';
  if (typeof body[changes] !== 'object') return `without its ${changes}`;
  if (status === 202) {
    // Not only where that was preferred: a replica that is about to end leaves the waiting to another.
    if (body.status !== 'committed' || body.enforcedBy === undefined) return `202 ${body.status}`;
    return location === `/v1/enforcements/${body.revision}` ? undefined : `202 with the location ${location}`;
  }
  if (status !== 200) return String(status);
  const expected = effect === 'restrict' ? ['enforced'] : ['enforced', 'committed'];
  if (!expected.includes(body.status)) return `200 ${body.status}`;
  const isComplete = body.status === 'committed' || ['acks', 'leaseExpiry'].includes(body.via);
  return isComplete ? undefined : `enforced via ${body.via}`;
}
