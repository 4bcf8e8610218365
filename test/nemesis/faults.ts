import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { AuthorityInstance, Deployment, Instance, VerifierInstance } from './deployment.js';
import type { Fault } from './fault-plan.js';
import type { HistoryWriter } from './history-file.js';

/** Every append does this in its transaction. */
const APPENDING = 'insert into keys.events';
/** With commands going on there is an append within this time, as long as PostgreSQL is there. */
const COMMIT_TIMEOUT_MS = 5000;

/** Does to a deployment what a plan says. Faults of one target follow each other; of different targets they overlap. */
export class Faults {
  private readonly lastOf = new Map<string, Promise<void>>();
  private readonly unfinished = new Set<Promise<void>>();

  constructor(
    private readonly deployment: Deployment,
    private readonly history: HistoryWriter,
  ) {}

  /** Faults that are not over. */
  get count(): number {
    return this.unfinished.size;
  }

  /** Resolves when it is over and its target is there again. */
  inject(fault: Fault): Promise<void> {
    const done = this.done(fault);
    this.unfinished.add(done);
    return done.finally(() => this.unfinished.delete(done));
  }

  /** Resolves when the next of them is over. */
  async fewer(): Promise<void> {
    await Promise.race(this.unfinished);
  }

  /** Resolves when nothing is away any more. */
  async over(): Promise<void> {
    await Promise.all(this.unfinished);
  }

  private done(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'pause':
        return this.on(fault.target, fault, () => pause(this.instance(fault.target), fault.durationMs));
      case 'kill':
        return this.on(fault.target, fault, () => restart(this.instance(fault.target), 'SIGKILL'));
      case 'killBeforeReply':
        return this.on(fault.target, fault, () => killBeforeReply(this.authority(fault.target)));
      case 'partition':
        return this.on(`network of ${fault.target}`, fault, async () => {
          const { network } = this.verifier(fault.target);
          network.cut(fault.cut);
          await delay(fault.durationMs);
          network.heal();
        });
      case 'flushRedis':
        return this.on('redis', fault, () => flush(this.deployment.stack.env['REDIS_URL'] as string));
      case 'restartRedis':
        return this.on('redis', fault, () => away(this.deployment.stack.redis, 'kill', fault.durationMs));
      case 'stopKafka':
        return this.on('kafka', fault, () => away(this.deployment.stack.kafka, 'stop', fault.durationMs));
      case 'restartPostgres':
        return this.on('postgres', fault, () =>
          away(this.deployment.stack.postgres, fault.how, fault.durationMs),
        );
      case 'rollingRestart':
        return this.rollingRestart(fault);
      default:
        return fault satisfies never;
    }
  }

  private async rollingRestart(fault: Fault): Promise<void> {
    await this.on('rolling restart', fault, async () => {
      for (const instance of this.instances())
        await this.next(instance.name, () => restart(instance, 'SIGTERM'));
    });
  }

  /** `work` answers false where the fault did not come about. */
  private on(target: string, fault: Fault, work: () => Promise<boolean | void>): Promise<void> {
    return this.next(target, async () => {
      const from = this.history.now();
      const happened = await work();
      const to = this.history.now();
      this.history.write({ type: 'fault', from, to, fault, ...(happened === false && { missed: true }) });
    });
  }

  private next(target: string, work: () => Promise<void>): Promise<void> {
    const done = (this.lastOf.get(target) ?? Promise.resolve()).then(work);
    this.lastOf.set(target, done);
    return done;
  }

  private instance(name: string): Instance {
    return named(this.instances(), name);
  }

  private instances(): Instance[] {
    const { authorities, verifiers, usage } = this.deployment;
    return [...authorities, ...verifiers, usage];
  }

  private authority(name: string): AuthorityInstance {
    return named(this.deployment.authorities, name);
  }

  private verifier(name: string): VerifierInstance {
    return named(this.deployment.verifiers, name);
  }
}

function named<T extends Instance>(instances: readonly T[], name: string): T {
  const found = instances.find((instance) => instance.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

async function pause(instance: Instance, durationMs: number): Promise<void> {
  instance.signal('SIGSTOP');
  try {
    await delay(durationMs);
  } finally {
    instance.signal('SIGCONT');
  }
}

async function restart(instance: Instance, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  await instance.kill(signal);
  await instance.start();
}

async function killBeforeReply(authority: AuthorityInstance): Promise<boolean> {
  const { database } = authority;
  const committed = await Promise.race([
    database.keepBackCommitOf(APPENDING).then(() => true),
    delay(COMMIT_TIMEOUT_MS, false),
  ]);
  database.letPass();
  await restart(authority, 'SIGKILL');
  return committed;
}

async function flush(redisUrl: string): Promise<boolean> {
  const redis = new Redis(redisUrl, { lazyConnect: true, maxRetriesPerRequest: 1 });
  redis.on('error', () => undefined);
  try {
    await redis.flushall();
    return true;
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}

async function away(
  server: { stop(): Promise<void>; kill(): Promise<void>; start(): Promise<void> },
  how: 'stop' | 'kill',
  durationMs: number,
): Promise<void> {
  await server[how]();
  await delay(durationMs);
  await server.start();
}
