import type { FenceEntry, FenceTerms, LeaseRow } from '#libs/fence';

/** Where the fence log stands, and by which terms; read in one snapshot. */
export interface FenceStanding {
  epoch: string;
  /** Of the last entry. */
  head: number;
  /** How long a lease lasts, milliseconds. */
  leaseMs: number;
  /** Longest that a verifier may serve beyond its lease, milliseconds. */
  serveStaleMaxMs: number;
  /** False where leases of an earlier epoch may be about: acknowledgements prove nothing then. */
  settled: boolean;
  /** After how long no lease is left that was given before, milliseconds. */
  boundMs: number;
  /** False where the epoch is new and nobody has opened it yet. */
  isOpen: boolean;
}

/** An entry of the log as whoever waits for it needs it. */
export interface FenceReceipt {
  seq: number;
  /** Whose verifiers it concerns; null: all, as a tenant does. */
  profile: string | null;
  standing: FenceStanding;
}

/** A verifier's incarnation. */
export interface Incarnation {
  verifierId: string;
  incarnation: string;
}

/** A lease as it was read, with how long ago it was renewed by the database's clock, which is for people. */
export type ObservedLease = LeaseRow & { renewedAgoMs: number };

export interface Registration extends Incarnation {
  profiles: readonly string[];
  serveStaleMs: number;
}

/** What a renewal is to be answered with, see `grantOf`. */
export interface Renewal {
  /** False: there is no such incarnation, or it was given up. */
  isKnown: boolean;
  standing: FenceStanding;
  /** Those after what is applied, at most one more than a grant holds. */
  entries: FenceEntry[];
  /** Incarnations that are registered and not given up. */
  liveVerifiers: number;
}

/**
 * The fence log and the leases, shared by all replicas. Rejects with UNAVAILABLE while the database is away or does
 * not answer in time, and where a lease is asked for in an epoch that is not open yet.
 */
export abstract class FenceLedger {
  /**
   * Makes the terms those of every lease from now on, and opens the epoch. The first epoch of a database is settled at
   * once; in any other all earlier incarnations are given up, and it is to be settled when their leases are over.
   */
  abstract open(terms: FenceTerms): Promise<FenceStanding>;

  /** No lease of an earlier epoch is left. */
  abstract settle(epoch: string): Promise<void>;

  /** Makes an incarnation known, unless it is or would serve beyond its lease for too long. Touches no other one. */
  abstract register(registration: Registration): Promise<{
    outcome: 'registered' | 'known_already' | 'serves_too_long';
    standing: FenceStanding;
  }>;

  /** Counts a renewal, then reads what a grant carries: whatever is committed later finds the renewal counted. */
  abstract renew(incarnation: Incarnation, applied: number): Promise<Renewal>;

  /** Forgets an incarnation that answers no more. */
  abstract deregister(incarnation: Incarnation): Promise<void>;

  /** Keeps what was acknowledged; answers which of the incarnations are known and not given up. */
  abstract acknowledge(acks: readonly (Incarnation & { applied: number })[]): Promise<Incarnation[]>;

  /** The standing and all incarnations that are not given up, in one snapshot. */
  abstract observe(): Promise<{ standing: FenceStanding; rows: ObservedLease[] }>;

  /** Gives up those that did not renew since they were read, and answers which. */
  abstract giveUp(rows: readonly LeaseRow[]): Promise<Incarnation[]>;

  /** Entries after one, by seq, and the epoch they are of. */
  abstract entriesAfter(seq: number, limit: number): Promise<{ epoch: string; entries: FenceEntry[] }>;

  /** The first entry of a subject that covers a version of it: with it applied, no older record is used. */
  abstract covering(subject: string, version: number): Promise<FenceReceipt | undefined>;

  /** The last entry of a subject. */
  abstract latest(subject: string): Promise<FenceReceipt | undefined>;

  /** Removes entries that no verifier needs any more, and incarnations long given up; at most `limit` each. */
  abstract prune(limit: number): Promise<void>;
}
