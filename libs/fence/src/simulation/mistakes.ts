import * as authority from './authority-mistakes.js';
import type { Parts } from './run.js';
import type { Bias } from './scenario.js';
import * as verifier from './verifier-mistakes.js';

/** A deliberate mistake, with what brings it about sooner than chance. */
interface Mistake {
  parts: Partial<Parts>;
  bias?: Bias;
}

/** A verifier whose clock is slow beside a replica whose clock is fast: what margins are for. */
const FARTHEST_CLOCKS = [0.99001, 1.00999];

const SLOW_NETWORK = { delayMsMax: 50, slow: 0.3 };

/** Each must be found by the same checker that finds nothing without them. */
export const MISTAKES = {
  // Each leaves out one rule of the protocol.
  'no-lease-check': { parts: { FenceVerifier: verifier.NoLeaseCheck } },
  'ignores-disconnected': {
    parts: { AuthorityHost: authority.IgnoresTheDisconnected },
    bias: { replicas: 1 },
  },
  'renews-without-log': { parts: { FenceVerifier: verifier.RenewsWithoutTheLog } },
  'activates-before-applying': {
    parts: { LeaseKeeper: verifier.ActivatesBeforeApplying },
    bias: { faults: ['cutVerifier'] },
  },
  'floors-before-await': { parts: { VerifierHost: verifier.ChecksFloorsBeforeWaiting } },
  'expires-by-timer': { parts: { VerifierHost: verifier.ExpiresByTimer } },
  'counts-from-answer': {
    parts: { LeaseKeeper: verifier.CountsFromTheAnswer },
    bias: { faults: ['cutVerifier', 'pauseVerifier', 'pauseReplica'], network: SLOW_NETWORK },
  },
  'no-lock': { parts: { Database: authority.NoLock }, bias: { slowStatement: 0.7, renewalsPerLease: 20 } },
  'no-drift-margin': {
    parts: { LeaseKeeper: verifier.NoDriftMargin, Database: authority.WaitsWithoutDriftMargin },
    bias: { clockRates: FARTHEST_CLOCKS, faults: ['cutVerifier'], leaseMs: 4000, renewalsPerLease: 40 },
  },
  'no-drift-margin-on-stale': {
    parts: {
      LeaseKeeper: verifier.NoDriftMarginOnStale,
      Database: authority.WaitsWithoutDriftMarginOnStale,
    },
    bias: {
      clockRates: FARTHEST_CLOCKS,
      faults: ['cutVerifier'],
      serveStaleLeases: 6,
      leaseMs: 3000,
      renewalsPerLease: 10,
    },
  },
  'one-row-for-a-verifier': { parts: { Database: authority.OneRowForAVerifier }, bias: { sharedIds: true } },
  'tenant-floor-against-key': { parts: { FenceVerifier: verifier.TenantFloorAgainstKey } },
  // Each is easily made where the rules are carried out.
  'takes-every-answer': {
    parts: { FenceVerifier: verifier.TakesEveryAnswer },
    bias: { faults: ['suspendVerifier', 'cutVerifier'], network: SLOW_NETWORK },
  },
  'forgets-its-refusals': {
    parts: { FenceVerifier: verifier.ForgetsItsRefusals },
    bias: { faults: ['cutVerifier', 'failOverStore'], nearRecordsMax: 0, projectionMsMax: 10 },
  },
  'applies-behind-gaps': {
    parts: { FenceVerifier: verifier.AppliesBehindGaps },
    bias: { network: { lost: 0.2 } },
  },
  'acknowledges-what-it-is-sent': { parts: { LeaseKeeper: verifier.AcknowledgesWhatItIsSent } },
  'guards-once-a-second': {
    parts: { VerifierHost: verifier.GuardsOnceASecond },
    bias: { faults: ['suspendVerifier'] },
  },
  'ignores-tokens': { parts: { VerifierHost: verifier.IgnoresTokens }, bias: { faults: ['cutVerifier'] } },
  'counts-earlier-acknowledgements': { parts: { AuthorityHost: authority.CountsEarlierAcknowledgements } },
  'trusts-acknowledgements-of-a-new-epoch': {
    parts: { AuthorityHost: authority.TrustsAcknowledgementsOfANewEpoch },
    bias: { faults: ['restoreDatabase', 'cutVerifier'] },
  },
  'trusts-acknowledgements-across-epochs': {
    parts: { AuthorityHost: authority.TrustsAcknowledgementsAcrossEpochs },
    bias: { faults: ['failOverDatabase', 'changeLease', 'cutVerifier'] },
  },
  'forgets-longer-leases': {
    parts: { Database: authority.ForgetsLongerLeases },
    bias: { faults: ['changeLease', 'cutVerifier'] },
  },
  'loses-renewals': {
    parts: { Database: authority.LosesRenewals },
    bias: { faults: ['killDatabase', 'cutVerifier'] },
  },
  'lifts-without-a-hint': { parts: { Database: authority.LiftsWithoutAHint } },
} satisfies Record<string, Mistake>;

export type MistakeName = keyof typeof MISTAKES;

export function mistakeOf(name: MistakeName): Mistake {
  return MISTAKES[name];
}
