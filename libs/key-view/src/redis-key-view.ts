import { readFileSync } from 'node:fs';
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import type { SealedRecord } from '#libs/contracts';
import { KeyView, type RecordId, requireVersion } from './key-view.js';

export interface RedisKeyViewOptions {
  /** `redis://` or `rediss://` (TLS) with user, password and database number; of a Cluster, any of its nodes. */
  url: string;
  cluster: boolean;
  /** PEM file of the certificate authority, with `rediss://`; empty: the system's. */
  tlsCaFile: string;
  /** Told when Redis goes away, once each time, and with undefined when it is back. */
  onAway(error: Error | undefined): void;
}

/**
 * The view in Redis or Redis Cluster. Every record is one string, `version|sealKeyId|seal|json`, that only a script
 * over this one key writes: no two keys ever need the same node. Nothing has a TTL, since a revoked key that is
 * forgotten would cost a question each time it is shown; Redis must run with `maxmemory-policy noeviction`.
 *
 * While Redis is away everything rejects at once: nothing is queued, and nothing waits longer than the timeouts below.
 */
export class RedisKeyView extends KeyView {
  override readonly isShared = true;
  private readonly client: Redis | Cluster;
  private readonly read: (keys: string[]) => Promise<(string | null)[]>;

  constructor(options: RedisKeyViewOptions) {
    super();
    if (options.cluster) {
      const cluster = connectCluster(options);
      this.client = cluster;
      this.read = (keys) => Promise.all(keys.map((key) => cluster.get(key)));
    } else {
      const redis = new Redis(options.url, {
        ...connectionOptions(options),
        enableOfflineQueue: false,
        retryStrategy: reconnectDelayMs,
      });
      this.client = redis;
      this.read = coalesced((keys) => redis.mget(keys));
    }
    let away = false;
    this.client.on('ready', () => {
      if (away) options.onAway(undefined);
      away = false;
    });
    this.client.on('error', (error: Error) => {
      if (!away) options.onAway(error);
      away = true;
    });
  }

  async find(ids: readonly RecordId[]): Promise<(SealedRecord | undefined)[]> {
    if (ids.length === 0) return [];
    this.requireReady();
    const values = await this.read(ids.map(keyOf));
    return values.map(unpack);
  }

  async put(id: RecordId, version: number, record: SealedRecord): Promise<boolean> {
    requireVersion(version);
    this.requireReady();
    return (await this.client.eval(PUT_IF_NEWER, 1, keyOf(id), version, pack(record))) === 1;
  }

  async replace(
    id: RecordId,
    unsound: SealedRecord,
    version: number,
    record: SealedRecord,
  ): Promise<boolean> {
    requireVersion(version);
    this.requireReady();
    const done = await this.client.eval(REPLACE, 1, keyOf(id), pack(unsound), version, pack(record));
    return done === 1;
  }

  /** In a Cluster one emptied node goes unnoticed unless it held the marker; its records are then read through. */
  async isComplete(): Promise<boolean> {
    this.requireReady();
    return (await this.client.exists(COMPLETE_KEY)) === 1;
  }

  async markComplete(): Promise<void> {
    this.requireReady();
    await this.client.set(COMPLETE_KEY, '1');
  }

  async check(): Promise<void> {
    await this.isComplete();
  }

  async close(): Promise<void> {
    if (this.client.status === 'ready') await this.client.quit().catch(() => undefined);
    this.client.disconnect();
  }

  /** The drivers would let some commands wait for a connection; a verifier has the authority to ask instead. */
  private requireReady(): void {
    if (this.client.status !== 'ready') throw new Error(`Redis is away (${this.client.status})`);
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

const CONNECT_TIMEOUT_MS = 1000;
const ANSWER_TIMEOUT_MS = 500;
const RECONNECT_DELAY_MS_MAX = 1000;

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

/** One command is in flight; all that is asked for meanwhile becomes the next one, which costs a fraction of many. */
function coalesced(
  mget: (keys: string[]) => Promise<(string | null)[]>,
): (keys: string[]) => Promise<(string | null)[]> {
  interface Ask {
    from: number;
    to: number;
    resolve: (values: (string | null)[]) => void;
    reject: (error: unknown) => void;
  }
  let keys: string[] = [];
  let asks: Ask[] = [];
  let inFlight = 0;

  function flush(): void {
    if (asks.length === 0) return;
    const [sent, waiting] = [keys, asks];
    keys = [];
    asks = [];
    inFlight += 1;
    const settle = (settleAsk: (ask: Ask) => void) => {
      inFlight -= 1;
      for (const ask of waiting) settleAsk(ask);
      flush();
    };
    mget(sent).then(
      (values) => settle(({ from, to, resolve }) => resolve(values.slice(from, to))),
      (error: unknown) => settle(({ reject }) => reject(error)),
    );
  }

  return (wanted) =>
    new Promise((resolve, reject) => {
      const from = keys.length;
      keys.push(...wanted);
      asks.push({ from, to: keys.length, resolve, reject });
      if (inFlight === 0 || keys.length >= KEYS_PER_READ_MAX) flush();
    });
}

function connectCluster(options: RedisKeyViewOptions): Cluster {
  const { hostname, port, username, password } = new URL(options.url);
  const clusterOptions: ClusterOptions = {
    redisOptions: {
      ...connectionOptions(options),
      ...(username !== '' && { username: decodeURIComponent(username) }),
      ...(password !== '' && { password: decodeURIComponent(password) }),
      commandTimeout: ANSWER_TIMEOUT_MS,
    },
    enableAutoPipelining: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: reconnectDelayMs,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    maxRedirections: 3,
    // A certificate names hosts, not the addresses they resolve to.
    ...(options.url.startsWith('rediss:') && { dnsLookup: (host, found) => found(null, host) }),
  };
  return new Cluster([{ host: hostname, port: Number(port || 6379) }], clusterOptions);
}

function connectionOptions({ url, tlsCaFile }: RedisKeyViewOptions): RedisOptions {
  return {
    connectionName: 'latchkey-key-view',
    connectTimeout: CONNECT_TIMEOUT_MS,
    // A connection that is open but silent is cut, and everything in flight on it rejects.
    socketTimeout: ANSWER_TIMEOUT_MS,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableAutoPipelining: true,
    // Reads are gathered here already, see `coalesced`.
    autoPipeliningIgnoredCommands: ['mget'],
    ...(url.startsWith('rediss:') && { tls: tlsCaFile === '' ? {} : { ca: readFileSync(tlsCaFile) } }),
  };
}

function reconnectDelayMs(attempts: number): number {
  return Math.min(attempts * 100, RECONNECT_DELAY_MS_MAX);
}
