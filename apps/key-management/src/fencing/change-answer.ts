import { preferredWaitOf } from '#libs/service-kit';
import type { EnforcementAnswer, EnforcementAnswers } from './enforcement-answers.js';
import type { Committed } from './fenced-changes.js';

/** The part of an HTTP reply that says when it holds. */
interface Reply {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
}

/**
 * The body of a change's answer over HTTP: 200 when it holds everywhere, or needs no waiting; 202 with the place to ask
 * where the request preferred not to wait so long.
 */
export async function answerChange(
  answers: EnforcementAnswers,
  committed: Pick<Committed<unknown>, 'revision' | 'restriction'>,
  request: { headers: Record<string, string | string[] | undefined> },
  reply: Reply,
): Promise<EnforcementAnswer> {
  const preferred = preferredWaitOf(request.headers['prefer']);
  const answer = await answers.of(committed, preferred?.seconds);
  if (answer.status === 'committed' && answer.enforcedBy !== undefined) {
    reply.status(202);
    reply.header('location', `/v1/enforcements/${answer.revision}`);
    if (preferred !== undefined) reply.header('preference-applied', preferred.applied);
  }
  return answer;
}
