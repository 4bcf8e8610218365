import { fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

export type StackPart = 'kafka' | 'redis' | 'postgres';

/** One server that a test may take away and bring back on the same port and data (Redis comes back empty). */
export interface StackPartControl {
  stop(): Promise<void>;
  /** SIGKILL: nothing is written down first. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** Servers of one test file alone. */
export interface PrivateStack extends Record<StackPart, StackPartControl> {
  /** KAFKA_BROKERS, REDIS_URL, DATABASE_ADMIN_URL, as far as those parts were asked for. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

type Answer = { readonly env: Record<string, string> } | { readonly id: number; readonly error?: string };

/** Starts servers for a test that takes them away; they end with `stop()` or with this process. */
export async function startPrivateStack(parts: readonly StackPart[]): Promise<PrivateStack> {
  const script = resolve('scripts', 'stack.mjs');
  const child = fork(script, ['--private', '--parts', parts.join(',')], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let errors = '';
  const stderr = child.stderr!;
  stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const waiting = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  let ended = false;
  // 'close' would be simpler, but it does not come once this side has closed the channel.
  const exited = Promise.all([once(child, 'exit'), once(stderr, 'end')]).then(() => {
    ended = true;
    const error = new Error(`the private stack has ended\n${errors}`);
    for (const { reject } of waiting.values()) reject(error);
    throw error;
  });
  exited.catch(() => {});

  const ready = once(child, 'message');
  const [first] = (await Promise.race([ready, exited])) as [Answer];
  child.on('message', (answer: Answer) => {
    if (!('id' in answer)) return;
    const asker = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (answer.error === undefined) asker?.resolve();
    else asker?.reject(new Error(answer.error));
  });

  let lastId = 0;
  const ask = (part: StackPart, action: keyof StackPartControl) =>
    new Promise<void>((resolvePromise, reject) => {
      if (ended) {
        reject(new Error('the private stack has ended'));
        return;
      }
      const id = ++lastId;
      waiting.set(id, { resolve: resolvePromise, reject });
      child.send({ id, part, action });
    });
  const control = (part: StackPart): StackPartControl => ({
    stop: () => ask(part, 'stop'),
    kill: () => ask(part, 'kill'),
    start: () => ask(part, 'start'),
  });

  return {
    env: 'env' in first ? first.env : {},
    kafka: control('kafka'),
    redis: control('redis'),
    postgres: control('postgres'),
    async stop() {
      if (child.connected) child.disconnect();
      await exited.catch(() => {});
    },
  };
}
