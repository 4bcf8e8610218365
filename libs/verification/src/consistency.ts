import { type FieldProblem, Rejection } from '#libs/contracts';
import { Consistency, type VerifyRequest } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { type Revision, type RevisionSeal, subjectOfKey, subjectOfTenant } from '#libs/fence';
import type { KnownCredential } from './verdict.js';

/** How recent an answer must be: within the lease, as the authority says now, or at least as recent as a revision. */
export type Demand = 'leased' | 'authority' | Revision;

/** Throws the rejection INVALID_REQUEST for a demand that is none of ours; `path` comes before each field's name. */
export function demandOf(
  { consistency, atLeastRevision }: Pick<VerifyRequest, 'consistency' | 'atLeastRevision'>,
  revisions: RevisionSeal,
  path = '',
): Demand {
  if (consistency === Consistency.AT_LEAST_AS_FRESH) {
    const revision = revisions.open(atLeastRevision);
    if (revision !== undefined) return revision;
    throw refusal(`${path}atLeastRevision`, 'is no revision that was given out here');
  }
  if (atLeastRevision !== '') {
    throw refusal(`${path}atLeastRevision`, 'belongs to CONSISTENCY_AT_LEAST_AS_FRESH alone');
  }
  switch (consistency) {
    case Consistency.UNSPECIFIED:
    case Consistency.LEASED:
      return 'leased';
    case Consistency.FULLY_CONSISTENT:
      return 'authority';
    default:
      throw refusal(`${path}consistency`, 'is none of the declared values');
  }
}

/**
 * Whether what is known of a credential is older than a revision of the same epoch tells. What the revision's fence head
 * covers, the floors see to; this is about the one record that it names.
 */
export function isBehind({ secret, tenant }: KnownCredential, { stream, version }: Revision): boolean {
  if (stream === subjectOfKey(secret.keyId)) return secret.version < version;
  return stream === subjectOfTenant(tenant.tenantId) && tenant.version < version;
}

function refusal(field: FieldProblem['field'], message: string): Rejection {
  return new Rejection('INVALID_REQUEST', [{ field, message }]);
}
