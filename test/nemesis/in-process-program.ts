import { resolve } from 'node:path';
import { freePort } from '#libs/testing/free-port';
import type { LatchkeyProcesses } from '#libs/testing/latchkey-processes';
import { type SpawnedProcess, spawnNode } from '#libs/testing/spawn-service';

const PROGRAM = resolve('test', 'nemesis', 'in-process-verifier.mjs');
const READY_TIMEOUT_MS = 60_000;

/** A service that verifies in its own process: one process after the other, at the same address. */
export class InProcessProgram {
  private readonly all: SpawnedProcess[] = [];

  private constructor(
    private readonly environment: Readonly<Record<string, string>>,
    private readonly port: number,
  ) {}

  /** One that is called `name` at the fence, with what an auth-verifier of `latchkey` runs with and `environment`. */
  static async of(
    latchkey: LatchkeyProcesses,
    name: string,
    environment: Readonly<Record<string, string>>,
  ): Promise<InProcessProgram> {
    const port = await freePort();
    const own = { NEMESIS_PORT: String(port), LATCHKEY_VERIFIER_ID: name };
    return new InProcessProgram({ ...latchkey.environments['auth-verifier'], ...own, ...environment }, port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The last process. */
  process(): SpawnedProcess {
    const last = this.all.at(-1);
    if (last === undefined) throw new Error('it was never started');
    return last;
  }

  /** Resolves when it may answer. */
  async start(): Promise<SpawnedProcess> {
    const process = spawnNode([PROGRAM], this.environment);
    this.all.push(process);
    await process.untilReady(this.port, { timeoutMs: READY_TIMEOUT_MS });
    return process;
  }

  output(): string[] {
    return this.all.flatMap(({ stdout, stderr }) => [...stdout, ...stderr]);
  }

  async stop(): Promise<void> {
    await this.all.at(-1)?.kill('SIGKILL');
  }
}
