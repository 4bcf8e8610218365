import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import type { Latchkey } from './latchkey-processes.js';
import { type SpawnedProcess, spawnService } from './spawn-service.js';

/** Latchkey as `npm start` runs it: one process on embedded parts. */
export interface LatchkeyStandalone extends Latchkey {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** The process that runs now. */
  process(): SpawnedProcess;
  /** Starts it on its data again, once it has ended. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

const READY = /Latchkey is ready/;

/** Starts the standalone process on a directory of its own and waits until it greets. */
export async function startLatchkeyStandalone(
  /** Further variables, or others in the place of those it would have. */
  environment: Readonly<Record<string, string>> = {},
): Promise<LatchkeyStandalone> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-standalone-'));
  const ports = new Set<number>();
  while (ports.size < 7) ports.add(await freePort());
  const [api, management, usage, verifier, verifierGrpc, managementGrpc, usageGrpc] = [...ports].map(String);
  const env = {
    LATCHKEY_DATA_DIR: directory,
    LATCHKEY_API_PORT: api as string,
    LATCHKEY_MANAGEMENT_PORT: management as string,
    LATCHKEY_USAGE_PORT: usage as string,
    LATCHKEY_VERIFIER_PORT: verifier as string,
    LATCHKEY_VERIFIER_GRPC_PORT: verifierGrpc as string,
    LATCHKEY_MANAGEMENT_GRPC_PORT: managementGrpc as string,
    LATCHKEY_USAGE_GRPC_PORT: usageGrpc as string,
    ...environment,
  };
  let running: SpawnedProcess;
  const start = async () => {
    running = spawnService('standalone', env);
    await running.untilLine(READY, 60_000);
  };
  await start();
  const secret = (name: string) => readFileSync(join(directory, name), 'utf8').trim();
  return {
    apiUrl: `http://127.0.0.1:${api}`,
    managementUrl: `http://127.0.0.1:${management}`,
    usageUrl: `http://127.0.0.1:${usage}`,
    verifierUrl: `http://127.0.0.1:${verifier}`,
    addresses: {
      verifier: `127.0.0.1:${verifierGrpc}`,
      management: `127.0.0.1:${managementGrpc}`,
      usage: `127.0.0.1:${usageGrpc}`,
    },
    operatorToken: secret('operator-token'),
    serviceToken: secret('service-token'),
    directory,
    env,
    process: () => running,
    restart: start,
    async stop() {
      await running.kill('SIGTERM');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
