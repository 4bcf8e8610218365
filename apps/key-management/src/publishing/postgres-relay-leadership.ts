import { once } from 'node:events';
import type { Client } from 'pg';
import type { QueryRunner } from 'typeorm';
import type { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { RelayLeadership, type RelaySession } from './relay-leadership.js';

/** Leads by a session-level advisory lock: PostgreSQL frees it when the process or its connection dies. */
export class PostgresRelayLeadership extends RelayLeadership {
  constructor(
    private readonly database: PostgresDatabase,
    private readonly channel: string,
  ) {
    super();
  }

  async tryLead(signal: AbortSignal): Promise<RelaySession | undefined> {
    // A database that never comes is closed after the relay, so waiting for it alone would never end.
    if (!this.database.dataSource.isInitialized) {
      await Promise.race([this.database.ready, once(signal, 'abort')]);
      if (signal.aborted) return undefined;
    }
    const session = this.database.dataSource.createQueryRunner();
    try {
      const [row] = (await session.query(
        `select pg_try_advisory_lock(hashtext('latchkey relay')) as leads`,
      )) as {
        leads: boolean;
      }[];
      if (row?.leads === true) return await LeadingSession.start(session, this.channel);
      await session.release();
      return undefined;
    } catch (error) {
      await free(session);
      throw error;
    }
  }
}

class LeadingSession implements RelaySession {
  private announced = false;
  private wake: () => void = () => undefined;

  private constructor(
    private readonly session: QueryRunner,
    private readonly connection: Client,
  ) {}

  static async start(session: QueryRunner, channel: string): Promise<LeadingSession> {
    const leading = new LeadingSession(session, (await session.connect()) as Client);
    leading.connection.on('notification', leading.onNotification);
    await session.query(`listen ${channel}`);
    return leading;
  }

  async checkpoint(): Promise<number> {
    const [row] = (await this.session.query('select position from keys.relay_checkpoint')) as {
      position: string;
    }[];
    return Number(row?.position ?? 0);
  }

  async advance(position: number): Promise<void> {
    await this.session.query('update keys.relay_checkpoint set position = $1 where position < $1', [
      position,
    ]);
  }

  async waitForEvents(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (!this.announced && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => this.wake(), timeoutMs);
        const onAbort = () => this.wake();
        signal.addEventListener('abort', onAbort);
        this.wake = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', onAbort);
          resolve();
        };
      });
    }
    this.announced = false;
  }

  async close(): Promise<void> {
    this.connection.off('notification', this.onNotification);
    this.wake();
    await free(this.session);
  }

  private readonly onNotification = (): void => {
    this.announced = true;
    this.wake();
  };
}

/** Ends the connection's part in the lead on the session that took it, before the pool gets it back. */
async function free(session: QueryRunner): Promise<void> {
  try {
    await session.query('unlisten *');
    await session.query('select pg_advisory_unlock_all()');
  } catch {
    // The connection is gone, and the lock with it.
  }
  await session.release();
}
