import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Rejection } from '#libs/contracts';
import { type KeyCommand, keyDecider } from './key.decider.js';
import type { KeyEvent } from './key.events.js';
import { type KeyState, previousSecret } from './key.state.js';
import { command, createKey, NOW, rotateKey } from './key-examples.contract.js';

/** A key as it is folded from its events, and the time. */
interface Real {
  state: KeyState;
  nowMs: number;
  digests: number;
}

/** What must be true of it. */
interface Model {
  exists: boolean;
  revoked: boolean;
  revokedAtMs: number | null;
  rotations: number;
}

/** One wish at some later time; each checks all invariants afterwards. */
class Wished implements fc.Command<Model, Real> {
  constructor(
    private readonly waitMs: number,
    private readonly wish: (real: Real) => KeyCommand,
  ) {}

  check(): boolean {
    return true;
  }

  run(model: Model, real: Real): void {
    real.nowMs += this.waitMs;
    const before = real.state;
    const wish = { ...this.wish(real), nowMs: real.nowMs };
    let events: KeyEvent[] = [];
    try {
      events = keyDecider.decide(wish, before);
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
    }
    real.state = events.reduce(keyDecider.evolve, before);
    for (const { type, data } of events) {
      if (type === 'KeyCreated') model.exists = true;
      if (type === 'KeyRotated') model.rotations += 1;
      if (type === 'KeyRevoked') Object.assign(model, { revoked: true, revokedAtMs: data.revokedAtMs });
    }
    if (before.status === 'revoked' && events.length > 0)
      throw new Error(`a revoked key got ${events[0]?.type}`);
    expectInvariants(model, before, real);
  }

  toString(): string {
    return `after ${this.waitMs} ms ${this.wish({ digests: 0 } as Real).type}`;
  }
}

function expectInvariants(model: Model, before: KeyState, { state, nowMs }: Real): void {
  if (state.status === 'none') {
    expect(model.exists).toBe(false);
    return;
  }
  const { status, revokedAtMs, secrets } = state;
  const previous = secrets.filter((secret) => secret.state === 'previous');
  const retiredBefore = before.status === 'none' ? [] : before.secrets.filter((s) => s.state === 'retired');
  expect({
    exists: true,
    status,
    revokedAtMs,
    generations: secrets.map(({ generation }) => generation),
    current: secrets.findIndex((secret) => secret.state === 'current'),
    previousMax: Math.max(previous.length, 1),
    previousGeneration: previousSecret(state, nowMs)?.generation ?? secrets.length - 1,
    onlyPreviousEnds: secrets.every((secret) => (secret.validUntilMs !== null) === previous.includes(secret)),
    distinctDigests: new Set(secrets.map(({ digest }) => digest)).size,
    retiredBefore: secrets.slice(0, retiredBefore.length),
  }).toEqual({
    exists: model.exists,
    status: model.revoked ? 'revoked' : 'active',
    revokedAtMs: model.revokedAtMs,
    generations: Array.from({ length: model.rotations + 1 }, (_, i) => i + 1),
    current: secrets.length - 1,
    previousMax: 1,
    previousGeneration: secrets.length - 1,
    onlyPreviousEnds: true,
    distinctDigests: secrets.length,
    retiredBefore,
  });
}

const waitMs = fc.integer({ min: 0, max: 7200_000 });
const expiry = fc.option(fc.integer({ min: 1, max: 48 * 3600_000 }), { nil: null });
const nextDigest = (real: Real) => `digest ${(real.digests += 1)}`;

const wishes = [
  fc
    .tuple(waitMs, expiry)
    .map(
      ([wait, lives]) =>
        new Wished(wait, (real) =>
          createKey({ digest: nextDigest(real), expiresAtMs: lives === null ? null : real.nowMs + lives }),
        ),
    ),
  fc
    .tuple(waitMs, fc.constantFrom(0, 1, 3600, 86_400), fc.boolean())
    .map(
      ([wait, graceSeconds, retirePrevious]) =>
        new Wished(wait, (real) => rotateKey({ digest: nextDigest(real), graceSeconds, retirePrevious })),
    ),
  fc
    .tuple(waitMs, expiry, fc.constantFrom<string[]>(['read'], ['read', 'write']))
    .map(
      ([wait, lives, scopes]) =>
        new Wished(wait, (real) =>
          command('ChangeKey', { scopes, expiresAtMs: lives === null ? null : real.nowMs + lives }),
        ),
    ),
  waitMs.map((wait) => new Wished(wait, () => command('RetirePreviousSecret', {}))),
  waitMs.map((wait) => new Wished(wait, () => command('RevokeKey', { reason: null, ceiling: null }))),
];

describe('whatever is wished of a key, in whatever order and at whatever times', () => {
  it('stays revoked once it is, has one current and at most one previous secret, and dense generations', () => {
    fc.assert(
      fc.property(fc.commands(wishes, { maxCommands: 40 }), (commands) => {
        const start = () => ({
          model: { exists: false, revoked: false, revokedAtMs: null, rotations: 0 },
          real: { state: keyDecider.initialState, nowMs: NOW, digests: 0 },
        });
        fc.modelRun(start, commands);
      }),
      { numRuns: 200 },
    );
  });
});
