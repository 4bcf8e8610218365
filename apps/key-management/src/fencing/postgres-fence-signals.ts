import type { Client } from 'pg';
import type { QueryRunner } from 'typeorm';
import type { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { type FenceSignal, FenceSignals } from './fence-signals.js';
import { FENCE_CHANNEL } from './postgres-fence-rows.js';

/** Between two attempts to listen, milliseconds. */
const RETRY_MS = 1000;

/** Listens on a connection of its own, and again on another one when that is lost. */
export class PostgresFenceSignals extends FenceSignals {
  private closed = false;
  private session: QueryRunner | undefined;
  private retry: NodeJS.Timeout | undefined;
  private listening: Promise<void> = Promise.resolve();

  constructor(private readonly database: PostgresDatabase) {
    super();
  }

  start(on: (signal: FenceSignal) => void): void {
    this.listening = this.listen(on);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.retry);
    await this.listening;
    const { session } = this;
    this.session = undefined;
    await session?.query('unlisten *').catch(() => undefined);
    await session?.release().catch(() => undefined);
  }

  private async listen(on: (signal: FenceSignal) => void): Promise<void> {
    // Nothing waits for a database that never comes: the next attempt finds it.
    if (!this.database.dataSource.isInitialized) return this.listenLater(on);
    const session = this.database.dataSource.createQueryRunner();
    try {
      const connection = (await session.connect()) as Client;
      connection.on('notification', ({ payload }) => {
        if (!this.closed) on(payload === 'commit' ? 'commit' : 'ack');
      });
      connection.once('end', () => {
        if (this.session !== session) return;
        this.session = undefined;
        void session.release().catch(() => undefined);
        this.listenLater(on);
      });
      this.session = session;
      await session.query(`listen ${FENCE_CHANNEL}`);
    } catch {
      this.session = undefined;
      await session.release().catch(() => undefined);
      this.listenLater(on);
    }
  }

  private listenLater(on: (signal: FenceSignal) => void): void {
    if (this.closed) return;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => {
      this.listening = this.listen(on);
    }, RETRY_MS);
  }
}
