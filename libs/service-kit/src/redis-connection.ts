import { readFileSync } from 'node:fs';
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';

export interface RedisConnectionOptions {
  /** `redis://` or `rediss://` (TLS) with user, password and database number; of a Cluster, any of its nodes. */
  url: string;
  cluster: boolean;
  /** PEM file of the certificate authority, with `rediss://`; empty: the system's. */
  tlsCaFile: string;
  /** Told when Redis goes away, once each time, and with undefined when it is back. */
  onAway(error: Error | undefined): void;
}

interface ConnectionPurpose {
  /** What Redis lists it as. */
  name: string;
  /** Commands that are sent at once instead of with the others of the same turn. */
  notPipelined?: string[];
}

/**
 * A connection to Redis or Redis Cluster that keeps nobody waiting: while Redis is away commands reject at once, nothing
 * is queued, and no answer takes longer than the timeouts below. It comes back by itself.
 */
export class RedisConnection {
  readonly client: Redis | Cluster;

  constructor(options: RedisConnectionOptions & ConnectionPurpose) {
    this.client = options.cluster ? connectCluster(options) : connectOne(options);
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

  /** The client; throws while Redis is away, where the driver would let some commands wait. */
  requireReady(): Redis | Cluster {
    if (this.client.status !== 'ready') throw new Error(`Redis is away (${this.client.status})`);
    return this.client;
  }

  async close(): Promise<void> {
    if (this.client.status === 'ready') await this.client.quit().catch(() => undefined);
    this.client.disconnect();
  }
}

const CONNECT_TIMEOUT_MS = 1000;
const ANSWER_TIMEOUT_MS = 500;
const RECONNECT_DELAY_MS_MAX = 1000;

function connectOne(options: RedisConnectionOptions & ConnectionPurpose): Redis {
  return new Redis(options.url, {
    ...connectionOptions(options),
    enableOfflineQueue: false,
    retryStrategy: reconnectDelayMs,
  });
}

function connectCluster(options: RedisConnectionOptions & ConnectionPurpose): Cluster {
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

function connectionOptions(options: RedisConnectionOptions & ConnectionPurpose): RedisOptions {
  const { url, tlsCaFile, name, notPipelined = [] } = options;
  return {
    connectionName: name,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // A connection that is open but silent is cut, and everything in flight on it rejects.
    socketTimeout: ANSWER_TIMEOUT_MS,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableAutoPipelining: true,
    autoPipeliningIgnoredCommands: notPipelined,
    ...(url.startsWith('rediss:') && { tls: tlsCaFile === '' ? {} : { ca: readFileSync(tlsCaFile) } }),
  };
}

function reconnectDelayMs(attempts: number): number {
  return Math.min(attempts * 100, RECONNECT_DELAY_MS_MAX);
}
