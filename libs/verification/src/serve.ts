import { randomUUID } from 'node:crypto';
import type { Registry } from 'prom-client';
import { FenceVerifier, RevisionSeal } from '#libs/fence';
import { type KeyView, type RecordId, RecordSeal } from '#libs/key-view';
import type { RateLimiting } from '#libs/rate-limit/serve';
import type { Logger } from '#libs/service-kit';
import { Breaker } from './breaker.js';
import type { Clocks } from './clocks.js';
import type { VerificationConfig } from './config.js';
import { CredentialRecords } from './credential-records.js';
import { FairShare } from './fair-share.js';
import { FenceConsumer } from './fence.consumer.js';
import type { FenceChannel } from './fence-channel.js';
import { GrpcFenceChannel } from './grpc-fence-channel.js';
import { GrpcKeyAuthority } from './grpc-key-authority.js';
import type { KeyAuthority } from './key-authority.js';
import { NearCache } from './near-cache.js';
import { ReadThrough } from './read-through.js';
import { RememberedMisses } from './remembered-misses.js';
import { SoundRecords, type UnsoundRecordAlarm } from './sound-records.js';
import { SystemClocks } from './system-clocks.js';
import { VerificationMetrics } from './verification-metrics.js';
import { CredentialVerifier } from './verify-credentials.js';

const MISS_TTL_MS = 60_000;
const MISSES_MAX = 100_000;
const FAILURES_IN_A_ROW_MAX = 5;
const BREAKER_PAUSE_MS = 1000;

/** What stands around verification. */
export interface VerificationPorts {
  authority: KeyAuthority;
  channel: FenceChannel;
  clocks: Clocks;
  /** The view that is shared with others; undefined: none, what isn't near by is asked of key-management. */
  view: KeyView | undefined;
  /** Where limits are kept; closed with verification. */
  rateLimiting: RateLimiting;
  logger: Logger;
  metrics: Registry;
}

export interface RunningVerification {
  readonly verifier: CredentialVerifier;
  readonly authority: KeyAuthority;
  readonly seal: RecordSeal;
  readonly metrics: VerificationMetrics;
  readonly onUnsound: UnsoundRecordAlarm;
  /** A secret is known now; a remembered miss of it is wrong. */
  readonly onSecret: (digest: string) => void;
  /** Throws while nothing may be answered. */
  readonly check: () => void;
  /** Gives up the lease, tells the authority, and closes what was opened for it. */
  readonly close: () => Promise<void>;
}

/** Starts to verify on key-management as the configuration says where that is; the view is the caller's, and not closed. */
export function startVerification(
  config: VerificationConfig,
  parts: Pick<VerificationPorts, 'view' | 'rateLimiting' | 'logger' | 'metrics'>,
): RunningVerification {
  return assembleVerification(config, {
    ...parts,
    authority: new GrpcKeyAuthority(config.managementAddress, config.serviceToken),
    channel: new GrpcFenceChannel(config.managementAddress, config.serviceToken),
    clocks: new SystemClocks(),
  });
}

/** Starts to verify on whatever stands behind the ports. */
export function assembleVerification(
  config: Omit<VerificationConfig, 'managementAddress' | 'serviceToken'>,
  { authority, channel, clocks, view, rateLimiting, logger, metrics: registry }: VerificationPorts,
): RunningVerification {
  const serveStaleMs = config.onLapse === 'serveStale' ? config.serveStaleMs : 0;
  const misses = new RememberedMisses(MISS_TTL_MS, MISSES_MAX);
  const near = new NearCache(config.nearCacheRecordsMax, misses);
  const fence = new FenceVerifier(serveStaleMs, near);
  const consumer = new FenceConsumer({
    channel,
    fence,
    clocks,
    verifierId: config.verifierId,
    profiles: config.profiles.names,
    serveStaleMs,
    newIncarnation: () => randomUUID(),
    watch: {
      onAway: (err) => logger.warn({ err }, 'the lease can not be renewed, trying again'),
      onLeased: () => logger.info({ applied: fence.applied }, 'there is a lease'),
      onIncompatible: () =>
        logger.error('the authority of the fence speaks another version: nothing is answered'),
      onSuspended: () => logger.warn('the clock stood still or was set: the lease was given up'),
    },
  });
  const limiter = rateLimiting(() => consumer.liveVerifiers);
  const metrics = new VerificationMetrics(registry, () => consumer.status);
  const onUnsound = (at: RecordId) => {
    metrics.badSeal();
    logger.error({ record: at }, 'a record that key-management did not seal was left out');
  };
  const seal = new RecordSeal(config.sealKeys);
  const sound = new SoundRecords(seal, onUnsound);
  const readThrough = new ReadThrough({
    authority,
    view,
    sound,
    misses,
    share: new FairShare(config.readThroughsPerSecondMax),
    breaker: new Breaker(FAILURES_IN_A_ROW_MAX, BREAKER_PAUSE_MS),
    changes: () => near.changes,
    clock: () => clocks.wallMs(),
    onResult: (result) => metrics.readThrough(result),
    onFailure: (err) => logger.warn({ err }, 'key-management did not answer a read-through'),
  });
  const verifier = new CredentialVerifier({
    records: new CredentialRecords(near, view, sound, readThrough),
    fence,
    nowMs: () => consumer.nowMs(),
    reach: (head) => consumer.reach(head),
    behindMsMax: () => consumer.staleMsMax,
    revisions: new RevisionSeal(config.sealKeys),
    profiles: config.profiles,
    limiter,
    clock: () => clocks.wallMs(),
    newRequestId: () => randomUUID(),
  });
  consumer.start();
  return {
    verifier,
    authority,
    seal,
    metrics,
    onUnsound,
    onSecret: (digest) => misses.forget(digest),
    check() {
      if (fence.leaseLeftMs(consumer.nowMs()) <= 0) throw new Error('there is no lease');
    },
    async close() {
      await consumer.close();
      authority.close();
      await limiter.close();
    },
  };
}
