import type { Registry } from 'prom-client';
import { RevisionSeal } from '#libs/fence';
import type { Logger } from '#libs/service-kit';
import { type DatabaseOptions, PostgresDatabase } from '#libs/service-kit/postgres-database';
import type { Config } from '../config.js';
import { EnforcementRelay } from './enforcement.relay.js';
import { FenceController } from './fence.controller.js';
import { FenceWatchRelay } from './fence-watch.relay.js';
import { PostgresFenceLedger } from './postgres-fence-ledger.js';
import { PostgresFenceSignals } from './postgres-fence-signals.js';
import { Revisions } from './revisions.js';

/** Connections that leases have for themselves, so that nothing else of the service keeps a renewal waiting. */
const CONNECTIONS_MAX = 5;

/** Puts the authority of the fence protocol together, on connections of its own. */
export function serveFence(
  config: Config,
  parts: {
    connection: Pick<DatabaseOptions, 'runtimeUrl' | 'migrationUrl' | 'schema' | 'tlsCaFile'>;
    migrated: Promise<void>;
    logger: Logger;
    metrics: Registry;
  },
) {
  const { connection, migrated, logger, metrics } = parts;
  const database = new PostgresDatabase(
    { ...connection, migrations: migrated, connectionsMax: CONNECTIONS_MAX },
    logger,
  );
  const ledger = new PostgresFenceLedger(database);
  const signals = new PostgresFenceSignals(database);
  const revisions = new Revisions(new RevisionSeal(config.sealKeys));
  const terms = { leaseMs: config.fenceLeaseMs, serveStaleMs: config.fenceServeStaleMsMax };
  const enforcements = new EnforcementRelay(ledger, revisions, terms, logger, metrics);
  const watches = new FenceWatchRelay(ledger, () => void enforcements.look(), logger);
  enforcements.tell(watches);
  return {
    ledger,
    enforcements,
    revisions,
    controller: new FenceController(ledger, watches),
    /** Resolves when leases can be given. */
    async start(): Promise<void> {
      await database.ready;
      signals.start((signal) => void (signal === 'commit' ? watches.read() : enforcements.look()));
      watches.start();
      enforcements.start();
      await enforcements.look();
    },
    /** Ends the calls that would not end by themselves: who waits is told "not yet", who watches turns elsewhere. */
    async endCalls(): Promise<void> {
      enforcements.stopWaiting();
      await watches.close();
    },
    async close(): Promise<void> {
      await watches.close();
      await enforcements.close();
      await signals.close();
      await database.close();
    },
  };
}
