import { Rejection } from '#libs/contracts';
import {
  FenceKind,
  type FenceEntry as FenceEntryMessage,
  type RegisterRequest,
  type RenewResponse,
} from '#libs/contracts/gen/latchkey/v1/fence_service';
import { FENCE_PROTOCOL_VERSION, type FenceEntry, type Grant } from '#libs/fence';
import { DEFAULT_PROFILE } from '#libs/profiles';
import type { Incarnation, Registration } from './fence-ledger.js';

/** Most profiles of one verifier. */
const PROFILES_MAX = 100;

/** What a message says of a verifier. Throws INVALID_REQUEST where it is not as it must be, as all of these do. */
export function incarnationOf({ verifierId, incarnation }: Incarnation): Incarnation {
  check('verifierId', /^[A-Za-z0-9._:-]{1,128}$/.test(verifierId), 'must be 1 to 128 of A-Z a-z 0-9 . _ : -');
  const isUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(incarnation);
  check('incarnation', isUuid, 'must be a UUID in lower case');
  return { verifierId, incarnation };
}

/** Profiles that this replica does not have may be those of another one, while a deployment gets new ones. */
export function registrationOf(message: RegisterRequest): Registration {
  const { protocolVersion, profiles, serveStaleMs } = message;
  check(
    'protocolVersion',
    protocolVersion === FENCE_PROTOCOL_VERSION,
    `this authority speaks version ${FENCE_PROTOCOL_VERSION}`,
  );
  check(
    'profiles',
    profiles.length <= PROFILES_MAX && profiles.every((profile) => /^[a-z][a-z0-9-]{0,31}$/.test(profile)),
    `must be at most ${PROFILES_MAX} names of profiles`,
  );
  return {
    ...incarnationOf(message),
    profiles: profiles.length === 0 ? [DEFAULT_PROFILE] : [...new Set(profiles)],
    serveStaleMs,
  };
}

/** A place in the log, as the wire writes it. */
export function seqOf(text: string): number {
  const seq = Number(text);
  check('applied', Number.isSafeInteger(seq), 'must be at most 2^53 - 1');
  return seq;
}

export function refuseServingTooLong(serveStaleMaxMs: number): Rejection {
  const message = `must be at most ${serveStaleMaxMs}, the most that the authority waits for`;
  return new Rejection('INVALID_REQUEST', [{ field: 'serveStaleMs', message }]);
}

export function entryMessageOf(entry: FenceEntry): FenceEntryMessage {
  const { seq, kind, subject, floorVersion, terminal, profile } = entry;
  return {
    seq: String(seq),
    kind: FenceKind[kind],
    subject,
    floorVersion: String(floorVersion),
    terminal,
    profile,
  };
}

export function renewResponseOf(
  { head, upTo, entries, authorityTimeMs, ...grant }: Grant,
  liveVerifiers: number,
): RenewResponse {
  return {
    ...grant,
    head: String(head),
    upTo: String(upTo),
    entries: entries.map(entryMessageOf),
    authorityTime: new Date(authorityTimeMs),
    liveVerifiers,
  };
}

function check(field: string, holds: boolean, message: string): void {
  if (!holds) throw new Rejection('INVALID_REQUEST', [{ field, message }]);
}
