import { Enforcement } from '#libs/contracts/gen/latchkey/v1/key_management_service';
import type { EnforcementAnswer } from './enforcement-answers.js';

/** An answer to a change as the gRPC message has it. */
export function enforcementMessageOf(answer: EnforcementAnswer): Enforcement {
  const { status, revision } = answer;
  if (answer.status === 'committed') {
    const enforcedBy = answer.enforcedBy === undefined ? undefined : new Date(answer.enforcedBy);
    return Enforcement.fromPartial({ status, revision, ...(enforcedBy && { enforcedBy }) });
  }
  const { via, waitedMs, verifiers } = answer;
  return Enforcement.fromPartial({
    status,
    revision,
    via,
    waitedMs,
    verifiersAcked: verifiers.acked,
    verifiersExpired: verifiers.expired,
  });
}
