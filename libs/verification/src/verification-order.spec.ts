import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { Consistency, Counting } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { digestOf } from '#libs/key-secret';
import { InMemoryRateLimiter } from '#libs/rate-limit/in-memory-rate-limiter';
import { createLogger } from '#libs/service-kit';
import {
  ExampleFence,
  ExampleFenceChannel,
  keyChange,
  settled,
  tenantChange,
  TurnedClocks,
} from './fence-examples.contract.js';
import {
  ExampleAuthority,
  LosableKeyView,
  newCredential,
  seal,
  sealKeys,
  secretRecord,
  tenantRecord,
} from './record-examples.contract.js';
import { exampleProfiles } from './profile-examples.contract.js';
import { assembleVerification } from './serve.js';

/** What a run does, one after the other; everything that follows from it takes part in the permutation. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ does: 'verify' } as const) },
  { weight: 1, arbitrary: fc.constant({ does: 'verifyAll' } as const) },
  { weight: 1, arbitrary: fc.constant({ does: 'verifyFully' } as const) },
  { weight: 2, arbitrary: fc.constantFrom({ does: 'revoke' } as const, { does: 'suspend' } as const) },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant('turn' as const), ms: fc.integer({ min: 1, max: 4000 }) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** All that follows from one message happens before the next one is drawn. */
async function oneByOne(go: () => Promise<void>): Promise<void> {
  await go();
  await settled();
}

/** Both ways of a message: it arrives some time, and its answer some time after that. */
function delayed(s: fc.Scheduler) {
  return async <T>(name: string, answer: () => T | Promise<T>): Promise<T> => {
    await s.schedule(Promise.resolve(), `${name} arrives`);
    const answered = await answer();
    await s.schedule(Promise.resolve(), `${name} is answered`);
    return answered;
  };
}

class DelayedAuthority extends ExampleAuthority {
  constructor(private readonly delay: ReturnType<typeof delayed>) {
    super();
  }

  override findSecret(digest: string) {
    return this.delay('findSecret', () => super.findSecret(digest));
  }

  override findTenant(tenantId: string) {
    return this.delay('findTenant', () => super.findTenant(tenantId));
  }
}

class DelayedView extends LosableKeyView {
  constructor(private readonly delay: ReturnType<typeof delayed>) {
    super();
  }

  override find(...args: Parameters<LosableKeyView['find']>) {
    return this.delay('view.find', () => super.find(...args));
  }

  override put(...args: Parameters<LosableKeyView['put']>) {
    return this.delay('view.put', () => super.put(...args));
  }
}

/** Plays the steps in the order that the scheduler draws, and tells what went wrong. */
async function play(s: fc.Scheduler, steps: readonly Step[], nearCacheRecordsMax: number) {
  const clocks = new TurnedClocks();
  const fence = new ExampleFence(clocks);
  const delay = delayed(s);
  const authority = new DelayedAuthority(delay);
  const view = new DelayedView(delay);
  const credential = newCredential();
  const secret = secretRecord({ digest: digestOf(credential) });
  authority.knows(secret);
  void view.put({ kind: 'secret', id: secret.digest }, 1, seal.seal('secret', secret));
  void view.put({ kind: 'tenant', id: 'acme' }, 1, seal.seal('tenant', tenantRecord()));
  const limiter = new InMemoryRateLimiter(clocks.monotonicMs);
  const verification = assembleVerification(
    {
      verifierId: 'v1',
      nearCacheRecordsMax,
      onLapse: 'deny',
      serveStaleMs: 0,
      sealKeys,
      profilesDirectory: '',
      profiles: exampleProfiles,
      readThroughsPerSecondMax: 100_000,
    },
    {
      authority,
      view,
      rateLimiting: () => limiter,
      clocks,
      channel: new ExampleFenceChannel(fence, delay),
      logger: createLogger('verification', 'silent'),
      metrics: new Registry(),
    },
  );
  let enforced = false;
  const outcomes: string[] = [];
  const wrong: string[] = [];

  function ask(consistency: Consistency, many: boolean): void {
    const mustRefuse = enforced;
    const request = {
      credential,
      profile: '',
      requiredScopes: [],
      counting: Counting.CALLER_REPORTS,
      route: '',
      method: '',
      consistency,
      atLeastRevision: '',
      anyOfScopes: undefined,
    };
    const answered = many
      ? verification.verifier.verifyAll([request, request], 'caller')
      : (async () => [await verification.verifier.verify(request, 'caller')])();
    answered.then(
      (answers) => {
        for (const { outcome } of answers) {
          outcomes.push(outcome);
          if (mustRefuse && outcome === 'VALID')
            wrong.push('VALID was asked for after a restriction was enforced');
          if (outcome === 'NOT_FOUND') wrong.push('a key that exists was NOT_FOUND');
        }
      },
      (error: { code?: string }) => outcomes.push(String(error.code)),
    );
  }

  let version = 1;
  const act: Record<Step['does'], (ms: number) => void> = {
    verify: () => ask(Consistency.LEASED, false),
    verifyAll: () => ask(Consistency.LEASED, true),
    verifyFully: () => ask(Consistency.FULLY_CONSISTENT, false),
    revoke() {
      version += 1;
      authority.knows({ ...secret, keyState: 'revoked', version }, authority.tenants.get('acme'));
      void fence.commit(keyChange('key-1', version, { terminal: true })).then(() => (enforced = true));
    },
    suspend() {
      version += 1;
      authority.tenants.set('acme', tenantRecord({ state: 'suspended', version }));
      void fence.commit(tenantChange('acme', version)).then(() => (enforced = true));
    },
    turn(ms) {
      clocks.jump(ms);
      fence.tick();
    },
  };
  s.scheduleSequence(
    steps.map((each) => ({
      label: each.does,
      builder: async () => act[each.does]('ms' in each ? each.ms : 0),
    })),
  );
  await s.waitIdle(oneByOne);
  const closed = verification.close();
  await s.waitIdle(oneByOne);
  await closed;
  return { wrong, outcomes };
}

describe('verification, whatever the order in which all that it waits for comes', () => {
  it('is never VALID when it was asked for after a restriction was enforced', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { minLength: 5, maxLength: 40 }),
        fc.constantFrom(0, 100),
        async (s, steps, nearCacheRecordsMax) => {
          const { wrong, outcomes } = await play(s, steps, nearCacheRecordsMax);
          for (const outcome of outcomes) seen.add(outcome);
          expect(wrong).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
    // The orders that were drawn were not all alike.
    for (const outcome of ['VALID', 'REVOKED', 'TENANT_SUSPENDED', 'FENCE_LEASE_LAPSED']) {
      expect(seen).toContain(outcome);
    }
  });
});
