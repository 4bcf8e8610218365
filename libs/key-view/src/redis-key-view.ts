import { Cluster } from 'ioredis';
import type { SealedRecord } from '#libs/contracts';
import { coalesced } from '#libs/service-kit/coalesced';
import { RedisConnection, type RedisConnectionOptions } from '#libs/service-kit/redis-connection';
import { KeyView, type RecordId, requireVersion } from './key-view.js';

/**
 * The view in Redis or Redis Cluster. Every record is one string, `version|sealKeyId|seal|json`, that only a script
 * over this one key writes: no two keys ever need the same node. Nothing has a TTL, since a revoked key that is
 * forgotten would cost a question each time it is shown; Redis must run with `maxmemory-policy noeviction`.
 *
 * While Redis is away everything rejects at once: nothing is queued, and nothing waits longer than the timeouts below.
 */
export class RedisKeyView extends KeyView {
  override readonly isShared = true;
  private readonly connection: RedisConnection;
  private readonly read: (keys: string[]) => Promise<(string | null)[]>;

  constructor(options: RedisConnectionOptions) {
    super();
    this.connection = new RedisConnection({
      ...options,
      name: 'latchkey-key-view',
      // Reads are gathered here already, see `coalesced`.
      notPipelined: ['mget'],
    });
    const { client } = this.connection;
    this.read =
      client instanceof Cluster
        ? (keys) => Promise.all(keys.map((key) => client.get(key)))
        : coalesced((keys: string[]) => client.mget(keys), KEYS_PER_READ_MAX);
  }

  async find(ids: readonly RecordId[]): Promise<(SealedRecord | undefined)[]> {
    if (ids.length === 0) return [];
    this.connection.requireReady();
    const values = await this.read(ids.map(keyOf));
    return values.map(unpack);
  }

  async put(id: RecordId, version: number, record: SealedRecord): Promise<boolean> {
    requireVersion(version);
    const client = this.connection.requireReady();
    return (await client.eval(PUT_IF_NEWER, 1, keyOf(id), version, pack(record))) === 1;
  }

  async replace(
    id: RecordId,
    unsound: SealedRecord,
    version: number,
    record: SealedRecord,
  ): Promise<boolean> {
    requireVersion(version);
    const client = this.connection.requireReady();
    const done = await client.eval(REPLACE, 1, keyOf(id), pack(unsound), version, pack(record));
    return done === 1;
  }

  /** In a Cluster one emptied node goes unnoticed unless it held the marker; its records are then read through. */
  async isComplete(): Promise<boolean> {
    const client = this.connection.requireReady();
    return (await client.exists(COMPLETE_KEY)) === 1;
  }

  async markComplete(): Promise<void> {
    await this.connection.requireReady().set(COMPLETE_KEY, '1');
  }

  async check(): Promise<void> {
    await this.isComplete();
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}

const COMPLETE_KEY = 'lk:complete';

/** What is not one of our values counts as nothing, so that a record can take its place. */
const PUT_IF_NEWER = `
local present = redis.pcall('GET', KEYS[1])
local version = type(present) == 'string' and tonumber(string.match(present, '^(%d+)|'))
if version and version <= 9007199254740991 and version >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. '|' .. ARGV[2])
return 1`;

const REPLACE = `
local present = redis.pcall('GET', KEYS[1])
if type(present) ~= 'string' or string.match(present, '^%d+|(.*)$') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2] .. '|' .. ARGV[3])
return 1`;

function keyOf({ kind, id }: RecordId): string {
  return kind === 'secret' ? `lk:d:${id}` : `lk:t:${id}`;
}

function pack({ sealKeyId, seal, json }: SealedRecord): string {
  return `${sealKeyId}|${seal}|${json}`;
}

/** A value of another form becomes a record that no key sealed: it is someone's doing and must be noticed. */
function unpack(value: string | null): SealedRecord | undefined {
  if (value === null) return undefined;
  const keyIdAt = value.indexOf('|') + 1;
  const sealAt = value.indexOf('|', keyIdAt) + 1;
  const jsonAt = value.indexOf('|', sealAt) + 1;
  if (keyIdAt === 0 || sealAt === 0 || jsonAt === 0) return { sealKeyId: '', seal: '', json: value };
  return {
    sealKeyId: value.slice(keyIdAt, sealAt - 1),
    seal: value.slice(sealAt, jsonAt - 1),
    json: value.slice(jsonAt),
  };
}

const KEYS_PER_READ_MAX = 1000;
