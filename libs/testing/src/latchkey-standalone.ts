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
  const port = async () => String(await freePort());
  const env = {
    LATCHKEY_DATA_DIR: directory,
    LATCHKEY_API_PORT: await port(),
    LATCHKEY_MANAGEMENT_PORT: await port(),
    LATCHKEY_USAGE_PORT: await port(),
    LATCHKEY_VERIFIER_PORT: await port(),
    LATCHKEY_VERIFIER_GRPC_PORT: await port(),
    LATCHKEY_MANAGEMENT_GRPC_PORT: await port(),
    LATCHKEY_USAGE_GRPC_PORT: await port(),
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
    apiUrl: `http://127.0.0.1:${env.LATCHKEY_API_PORT}`,
    managementUrl: `http://127.0.0.1:${env.LATCHKEY_MANAGEMENT_PORT}`,
    usageUrl: `http://127.0.0.1:${env.LATCHKEY_USAGE_PORT}`,
    verifierUrl: `http://127.0.0.1:${env.LATCHKEY_VERIFIER_PORT}`,
    addresses: {
      verifier: `127.0.0.1:${env.LATCHKEY_VERIFIER_GRPC_PORT}`,
      management: `127.0.0.1:${env.LATCHKEY_MANAGEMENT_GRPC_PORT}`,
      usage: `127.0.0.1:${env.LATCHKEY_USAGE_GRPC_PORT}`,
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
