import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, LatchkeyClient } from '#libs/testing/latchkey-client';

/** A key and the events that the commands answered for it must have left, in their order. */
export interface CommandedKey {
  readonly keyId: string;
  /** Every secret whose answer arrived: a repeated command does not show its secret again. */
  readonly secrets: string[];
  readonly events: string[];
}

const PAUSE_MS = 50;
const RETRY_MS = 100;
/** A command that is not answered by then is reported instead of repeated. */
const GIVE_UP_MS = 60_000;

/** The whole life of one key after the other, each command repeated under its Idempotency-Key until it is answered. */
export class CommandLoad {
  readonly keys: CommandedKey[] = [];
  /** Answers that no fault may cause. */
  readonly wrong: string[] = [];
  private stopping = false;
  private readonly loop: Promise<void>;

  constructor(
    private readonly client: LatchkeyClient,
    private readonly keysPath: string,
  ) {
    this.loop = this.run();
  }

  /** How many commands were answered so far. */
  get answered(): number {
    return this.keys.reduce((sum, { events }) => sum + events.length, 0);
  }

  /** Resolves when the command in hand is answered. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.loop;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      const created = await this.command('', 201, { name: 'k', environment: 'live', scopes: [] });
      if (created === undefined) return;
      const keyId = created.body.key.id as string;
      const key: CommandedKey = { keyId, secrets: secretsOf(created), events: ['KeyCreated'] };
      this.keys.push(key);
      for (const [path, body, event] of LIFE) {
        if (this.stopping) return;
        const answer = await this.command(`/${keyId}/${path}`, 200, body);
        if (answer === undefined) return;
        key.events.push(event);
        key.secrets.push(...secretsOf(answer));
        await delay(PAUSE_MS);
      }
    }
  }

  private async command(path: string, expected: number, body: object): Promise<Answer | undefined> {
    const idempotencyKey = randomUUID();
    const deadlineMs = Date.now() + GIVE_UP_MS;
    let last = '';
    while (Date.now() < deadlineMs) {
      try {
        const answer = await this.client.manage('POST', this.keysPath + path, body, {
          'idempotency-key': idempotencyKey,
        });
        // 202: committed; the instance was stopped while it waited for the verifiers.
        if (answer.status === expected || answer.status === 202) return answer;
        last = `${answer.status} ${answer.body.code}`;
        // The connection was lost while the command went on.
        const again = answer.status === 503 || answer.body.code === 'IDEMPOTENCY_KEY_IN_USE';
        if (!again) break;
      } catch (error) {
        last = String((error as Error).cause ?? error);
      }
      await delay(RETRY_MS);
    }
    this.wrong.push(`POST …/keys${path} was answered ${last}`);
    return undefined;
  }
}

const LIFE: readonly (readonly [path: string, body: object, event: string])[] = [
  ['rotate', { graceSeconds: 3600 }, 'KeyRotated'],
  ['retire-previous-secret', {}, 'PreviousSecretRetired'],
  ['revoke', { reason: 'the end of its life' }, 'KeyRevoked'],
];

function secretsOf({ body }: Answer): string[] {
  return body.secret === null || body.secret === undefined ? [] : [body.secret as string];
}
