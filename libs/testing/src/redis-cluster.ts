import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';

export interface RedisCluster {
  /** Of one of its nodes. */
  readonly url: string;
  /** Connections to each node alone. */
  readonly clients: readonly Redis[];
  stop(): Promise<void>;
}

/** A Redis Cluster of two nodes for one test file: whether a server is a node of a cluster is fixed at its start. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const [first, second] = await Promise.all([startNode(), startNode()]);
  const clients = [first.client, second.client];
  await first.client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '8191');
  await second.client.call('CLUSTER', 'ADDSLOTSRANGE', '8192', '16383');
  await second.client.call('CLUSTER', 'SET-CONFIG-EPOCH', '2');
  await first.client.call('CLUSTER', 'MEET', '127.0.0.1', String(second.port), String(second.busPort));
  await eventually(
    async () => {
      const states = await Promise.all(clients.map((client) => client.cluster('INFO')));
      const formed = states.every((state) => /cluster_state:ok[^]*cluster_known_nodes:2/.test(state));
      if (!formed) throw new Error('the nodes are no cluster yet');
    },
    { timeoutMs: 20_000 },
  );
  return {
    url: `redis://127.0.0.1:${first.port}`,
    clients,
    async stop() {
      await Promise.all([first.stop(), second.stop()]);
    },
  };
}

async function startNode(): Promise<{ port: number; busPort: number; client: Redis; stop(): Promise<void> }> {
  const [port, busPort] = [await freePort(), await freePort()];
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--cluster-enabled', 'yes'];
  options.push('--cluster-port', String(busPort));
  // A node remembers its slots in a file: one that another node of the same port left behind must not be found.
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-redis-node-'));
  const server = spawn('redis-server', options, { cwd: directory, stdio: 'ignore' });
  await Promise.race([
    once(server, 'spawn'),
    once(server, 'error').then(([cause]) => {
      throw new Error('redis-server is not on the PATH: apt-get install redis-server', { cause });
    }),
  ]);
  const exited = once(server, 'exit');
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 50 });
  client.on('error', () => undefined);
  await client.ping();
  return {
    port,
    busPort,
    client,
    async stop() {
      client.disconnect();
      server.kill('SIGKILL');
      await exited;
      rmSync(directory, { recursive: true });
    },
  };
}
