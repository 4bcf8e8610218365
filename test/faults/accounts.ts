import { Client } from 'pg';
import { expect } from '@jest/globals';
import { KEYS_TOPIC, REQUESTS_TOPIC } from '#libs/contracts';
import { eventually } from '#libs/testing/eventually';
import type { LatchkeyProcesses } from '#libs/testing/latchkey-processes';
import { endsOf, recordsOf } from './kafka-topics.js';

/** The promise after a server is back: all work is resumed within this. */
export const RESUMED_MS = 30_000;

/** What is stored, published and counted in the end: read past the services, from the servers themselves. */
export class Accounts {
  constructor(
    private readonly latchkey: LatchkeyProcesses,
    private readonly brokers: string,
  ) {}

  /** Resolves when nothing is on its way any more: no event unpublished, no spool unsent, no record uncounted. */
  async settled(): Promise<void> {
    await eventually(
      async () => {
        const [relay] = await this.rows<{ behind: string }>(
          'select (select coalesce(max(position), 0) from keys.events) - position as behind from keys.relay_checkpoint',
        );
        expect(relay).toEqual({ behind: '0' });
        for (const app of ['auth-verifier', 'api'] as const) {
          expect([app, await this.metric(app, 'latchkey_spool_events_pending')]).toEqual([app, 0]);
        }
        expect(await this.uncounted()).toEqual([]);
      },
      { timeoutMs: RESUMED_MS },
    );
  }

  /** The types of each key's stored events, in the order of versions. */
  async storedEvents(keyIds: readonly string[]): Promise<Map<string, string[]>> {
    const rows = await this.rows<{ key_id: string; types: string[] }>(
      `select substr(stream_id, 5) as key_id, array_agg(type order by version) as types from keys.events
       where stream_id = any ($1) group by stream_id`,
      [keyIds.map((keyId) => `key-${keyId}`)],
    );
    return new Map(rows.map(({ key_id, types }) => [key_id, types]));
  }

  /**
   * The types of each key's published messages by version. Throws where a version comes before one that it follows; a
   * version that comes again is allowed.
   */
  async publishedEvents(): Promise<Map<string, string[]>> {
    const published = new Map<string, string[]>();
    for (const { key, value, headers } of await recordsOf(this.brokers, KEYS_TOPIC)) {
      const { keyId, version } = JSON.parse(String(value)) as { keyId: string; version: number };
      expect(String(key)).toBe(keyId);
      const types = published.get(keyId) ?? [];
      published.set(keyId, types);
      if (version > types.length + 1) throw new Error(`${keyId}: version ${version} follows ${types.length}`);
      types[version - 1] = String(headers?.['ce_type']);
    }
    return published;
  }

  /** How often each key of a tenant was counted, over all outcomes. */
  async counts(tenantId: string): Promise<Map<string, number>> {
    const rows = await this.rows<{ key_id: string; count: string }>(
      'select key_id, sum(count) as count from usage.request_counts where tenant_id = $1 group by key_id',
      [tenantId],
    );
    return new Map(rows.map(({ key_id, count }) => [key_id, Number(count)]));
  }

  /** A service's own metric without labels, or its labels' sum. */
  async metric(app: 'key-management' | 'usage' | 'auth-verifier' | 'api', name: string): Promise<number> {
    const text = await (await fetch(`${this.latchkey.httpUrls[app]}/metrics`)).text();
    const lines = text
      .split('\n')
      .filter((line) => line.startsWith(name) && /[ {]/.test(line.charAt(name.length)));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /** Partitions with request events that are not consumed yet. */
  private async uncounted(): Promise<number[]> {
    const ends = await endsOf(this.brokers, REQUESTS_TOPIC);
    const rows = await this.rows<{ partition: number; next_offset: string }>(
      'select partition, next_offset from usage.consumed_offsets where topic = $1',
      [REQUESTS_TOPIC],
    );
    const consumed = new Map(rows.map(({ partition, next_offset }) => [partition, BigInt(next_offset)]));
    return [...ends]
      .filter(([partition, end]) => (consumed.get(partition) ?? 0n) < end)
      .map(([partition]) => partition);
  }

  async rows<Row extends object>(sql: string, parameters: unknown[] = []): Promise<Row[]> {
    const client = new Client({ connectionString: this.latchkey.databaseAdminUrl });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query<Row>(sql, parameters)).rows;
    } finally {
      await client.end();
    }
  }
}
