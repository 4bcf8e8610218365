import type { Registry } from 'prom-client';
import { join } from 'node:path';
import type { EventLog } from '#libs/event-log';
import type { Logger } from '#libs/service-kit';
import { acquireProcessLock, LockHeld } from '#libs/service-kit/file-process-lock';
import { FileRequestSpool } from './file-request-spool.js';
import { FileRequestSpools } from './file-request-spools.js';
import { ReportingMetrics } from './reporting-metrics.js';
import { SpoolingRequestReporter } from './request.reporter.js';
import type { RequestReporter } from './request-reporter.js';
import type { SpoolDamage, SpoolLock } from './spool-directory.js';

export interface ReportingOptions {
  /** `LATCHKEY_DATA_DIR`; the spools lie in `spool/<service>/` of it. */
  directory: string;
  service: string;
  eventLog: EventLog;
  logger: Logger;
  metrics: Registry;
  /** Wait for the disk itself before an answer is released; default false: events survive the process, not the machine. */
  fsync?: boolean;
  /** Most bytes of all the service's spools; default 256 MiB. */
  spoolBytesMax?: number;
  /** How long `close` goes on to publish what is spooled; default 5000. */
  drainMsMax?: number;
}

export interface RunningReporter {
  readonly reporter: RequestReporter;
  /** Throws while events can't be kept: the disk refuses them, or the spool is full. */
  readonly check: () => void;
  /** Stops intake and publishes what is spooled for at most `drainMsMax`; what is left is replayed at the next start. */
  readonly close: () => Promise<void>;
}

const SPOOL_BYTES_MAX = 256 * 1024 * 1024;
const DRAIN_MS_MAX = 5000;

/** Starts the reporting of one service; needs no log to be there. Rejects where the directory can't be written. */
export async function startRequestReporter(options: ReportingOptions): Promise<RunningReporter> {
  const { logger, eventLog } = options;
  const fsync = options.fsync ?? false;
  const spools = new FileRequestSpools({
    directory: join(options.directory, 'spool', options.service),
    bytesMax: options.spoolBytesMax ?? SPOOL_BYTES_MAX,
    fsync,
    makeSpool: (...parts) => new FileRequestSpool(...parts),
    tryLock: (path) => tryLock(path, logger),
    onDamage,
  });
  const metrics = new ReportingMetrics(options.metrics, {
    bytes: () => spools.bytes,
    pending: () => reporter.pending,
  });
  const drainMsMax = options.drainMsMax ?? DRAIN_MS_MAX;
  const parts = { spools, eventLog, logger, metrics, fsync, drainMsMax };
  const reporter = await SpoolingRequestReporter.start(parts);

  function onDamage({ path, reason, missing }: SpoolDamage): void {
    metrics.damages.inc();
    if (missing !== undefined) metrics.dropped.inc({ reason: 'damaged' }, missing.to - missing.from + 1);
    logger.error({ path, reason, missing }, 'a spool file is damaged');
  }

  return { reporter, check: () => reporter.check(), close: () => reporter.close() };
}

async function tryLock(path: string, logger: Logger): Promise<SpoolLock | undefined> {
  try {
    return await acquireProcessLock(path);
  } catch (error) {
    if (!(error instanceof LockHeld)) throw error;
    // On this host it is alive. Of another host that is not known: such a spool waits for its host to come back.
    logger.debug({ path, pid: error.pid, hostname: error.hostname }, 'a spool belongs to another process');
    return undefined;
  }
}
