import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Asked, flawOf, type HttpAnswer } from './answer-form.js';
import type { HistoryWriter } from './history-file.js';
import type { InvokeLine } from './history-lines.js';

/** A command to the management HTTP API. */
export interface Command extends Asked, Pick<InvokeLine, 'command' | 'subject'> {
  readonly method: 'POST' | 'PATCH' | 'PUT';
  readonly path: string;
  readonly body: object;
  /** However often it is asked for, under its Idempotency-Key, it is done once: so it is one in the history. */
  readonly doneOnce: boolean;
  /** What the caller would rather have, RFC 7240. */
  readonly prefer?: string;
  /** Called with its revision in the instant in which it was answered, be it enforced yet or not. */
  onRevision?(revision: string): void;
}

export interface Done {
  // biome-ignore lint/suspicious/noExplicitAny: each command has a body of its own
  readonly body: any;
  /** It was asked for before without an answer: that may have been done too, or may still be. */
  readonly uncertain: boolean;
}

/** Answers that say nothing about the command: it is asked for again. */
const ASK_AGAIN = new Set(['IDEMPOTENCY_KEY_IN_USE', 'CONFLICT', 'RATE_LIMITED']);
const RETRY_MS = 100;
const POLL_MS = 20;

/** Gives commands to the replicas of the authority in turn, until they are answered, and keeps what came of them. */
export class Commands {
  private lastId = 0;
  private turn = 0;
  private stopped = false;

  constructor(
    private readonly managementUrls: readonly string[],
    private readonly operatorToken: string,
    private readonly history: HistoryWriter,
    /** An answer that has not come by then does not come. */
    private readonly timeoutMs: number,
  ) {}

  /** Commands that are not answered by now never will be. */
  stop(): void {
    this.stopped = true;
  }

  /** Resolves when it is answered, and where it restricts when it is enforced; to undefined when that never came. */
  async give(command: Command): Promise<Done | undefined> {
    const idempotencyKey = randomUUID();
    const headers = {
      'idempotency-key': idempotencyKey,
      ...(command.prefer !== undefined && { prefer: command.prefer }),
    };
    let id = this.invoked(command);
    let uncertain = false;
    for (let attempts = 1; !this.stopped; attempts += 1) {
      const answer = await this.ask(command.method, command.path, headers, command.body);
      if (answer === 'unreached') {
        await delay(RETRY_MS);
        continue;
      }
      if (answer?.status === 503 && answer.body?.code === undefined)
        this.wrong(`${command.command} was answered 503 without a code`);
      if (answer === undefined || answer.status === 503 || ASK_AGAIN.has(answer.body?.code)) {
        uncertain = true;
        await delay(RETRY_MS);
        if (!command.doneOnce) id = this.invoked(command);
        continue;
      }
      if (answer.status >= 300) {
        this.wrong(`${command.command} was answered ${answer.status} ${answer.body?.code}`);
        return undefined;
      }
      const flaw = flawOf(command, answer);
      if (flaw !== undefined) {
        this.wrong(`${command.command} was answered ${flaw}`);
        return undefined;
      }
      if (!(await this.returned(id, command, answer, attempts))) return undefined;
      return { body: answer.body, uncertain };
    }
    return undefined;
  }

  private invoked({ command, effect, subject }: Command): number {
    this.lastId += 1;
    this.history.write({ type: 'invoke', id: this.lastId, at: this.history.now(), command, effect, subject });
    return this.lastId;
  }

  private async returned(
    id: number,
    command: Command,
    answer: HttpAnswer,
    attempts: number,
  ): Promise<boolean> {
    const committedAt = this.history.now();
    const { revision } = answer.body as { revision?: string };
    if (revision !== undefined) command.onRevision?.(revision);
    const known = { type: 'return', id, committedAt, attempts, ...(revision && { revision }) } as const;
    const enforced = command.effect === 'restrict' ? await this.untilEnforced(answer) : null;
    const enforcedAt = this.history.now();
    const via = enforced?.body.via as string | undefined;
    this.history.write({
      ...known,
      ...(enforced && { enforcedAt: enforced === answer ? committedAt : enforcedAt }),
      ...(via !== undefined && { via }),
    });
    return enforced !== undefined;
  }

  /** The answer that says that it is enforced: the first one, or a later one of the address that a 202 names. */
  private async untilEnforced(first: HttpAnswer): Promise<HttpAnswer | undefined> {
    let answer: HttpAnswer | undefined = first;
    while (!this.stopped) {
      if (answer?.body.status === 'enforced') return answer;
      await delay(POLL_MS);
      const next = await this.ask('GET', first.location ?? '', {});
      answer = typeof next === 'object' && next.status === 200 ? next : undefined;
      if (typeof next === 'object' && next.status === 404)
        this.wrong(`${first.location} is not found, though it was answered`);
    }
    return undefined;
  }

  private wrong(what: string): void {
    this.history.write({ type: 'wrong', at: this.history.now(), what });
  }

  /** Undefined when no answer came, so that nobody knows whether it was received. */
  private async ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: object,
  ): Promise<HttpAnswer | 'unreached' | undefined> {
    this.turn += 1;
    const url = new URL(path, this.managementUrls[this.turn % this.managementUrls.length]);
    try {
      const response = await fetch(url, {
        method,
        headers: {
          authorization: `Bearer ${this.operatorToken}`,
          ...headers,
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(this.timeoutMs),
      });
      const text = await response.text();
      const location = response.headers.get('location');
      return { status: response.status, location, body: text === '' ? undefined : JSON.parse(text) };
    } catch (error) {
      const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
      return code === 'ECONNREFUSED' ? 'unreached' : undefined;
    }
  }
}
