import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { Key, ListKeysResponse } from '#libs/contracts/gen/latchkey/v1/key_management_service';
import type { RunningService } from '#libs/service-kit/serve';
import { GrpcClient } from '../grpc-client.contract.js';
import { ask, keyBody, ServedForSuite, serveKeyManagement } from '../served-key-management.contract.js';

jest.setTimeout(120_000);

const KEYS_MAX = 1000;

describe('walking a list while keys are made', () => {
  const served = new ServedForSuite();
  const grpc = new GrpcClient(served);
  /** A second instance, so that keys are made in more than one process's turn. */
  let second: RunningService;

  beforeAll(async () => {
    second = await serveKeyManagement(served.database);
  });
  afterAll(() => second.close());

  const idsOf = ({ keys }: ListKeysResponse) => keys.map(({ id }) => id);

  async function make(tenantId: string, count: number): Promise<string[]> {
    return Promise.all(
      Array.from({ length: count }, async (_, index) => {
        if (index % 2 === 0) return ((await grpc.create(tenantId)).key as Key).id;
        const path = `/v1/tenants/${tenantId}/keys`;
        return (await ask(second, 'POST', path, { body: keyBody() })).body.key.id as string;
      }),
    );
  }

  async function wholeList(tenantId: string, order: string): Promise<string[]> {
    const ids: string[] = [];
    for (let cursor = '', hasMore = true; hasMore; ) {
      const page = await grpc.list(tenantId, { order, limit: 100, cursor });
      ids.push(...idsOf(page));
      ({ nextCursor: cursor, hasMore } = page);
    }
    return ids;
  }

  /** Walks to an end of the list; what it saw, in the order of the list. `between` runs before each page. */
  async function walk(
    tenantId: string,
    { order, limit, way }: { order: string; limit: number; way: 'cursor' | 'after' | 'before' },
    between: () => void,
  ): Promise<string[]> {
    let seen: string[] = [];
    let place: object = {};
    if (way === 'before') {
      // Backwards from the last one, which is the first in the other order.
      seen = idsOf(await grpc.list(tenantId, { order: order === 'newest' ? 'oldest' : 'newest', limit: 1 }));
      if (seen.length === 0) return [];
      place = { beforeKeyId: seen[0] };
    }
    for (let hasMore = true; hasMore; ) {
      between();
      const page = await grpc.list(tenantId, { order, limit, ...place });
      ({ hasMore } = page);
      seen = way === 'before' ? [...idsOf(page), ...seen] : [...seen, ...idsOf(page)];
      place = {
        before: { beforeKeyId: seen[0] },
        after: { afterKeyId: seen.at(-1) },
        cursor: { cursor: page.nextCursor },
      }[way];
    }
    return seen;
  }

  it('shows each key that was there at its start exactly once, in the order asked for, in both directions', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          order: fc.constantFrom('newest', 'oldest'),
          way: fc.constantFrom('cursor' as const, 'after' as const, 'before' as const),
          limit: fc.integer({ min: 1, max: 5 }),
        }),
        fc.nat(12),
        fc.array(fc.nat(4), { maxLength: 6 }),
        async (how, atStart, made) => {
          const { tenantId } = await served.tenant(KEYS_MAX);
          const there = new Set(await make(tenantId, atStart));
          const making: Promise<string[]>[] = [];
          const seen = await walk(tenantId, how, () => {
            const count = made[making.length];
            if (count !== undefined) making.push(make(tenantId, count));
          });
          await Promise.all(making);
          expect(seen.filter((id) => there.has(id)).toSorted()).toEqual([...there].toSorted());
          expect(new Set(seen).size).toBe(seen.length);
          const all = await wholeList(tenantId, how.order);
          expect(all.filter((id) => seen.includes(id))).toEqual(seen);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('misses no key oldest first, however many are made at once by several processes', async () => {
    const { tenantId } = await served.tenant(KEYS_MAX);
    const [first] = (await make(tenantId, 1)) as [string];
    const seen = [first];
    let isMaking = true;
    const making = (async () => {
      for (let round = 0; round < 10; round += 1) await make(tenantId, 20);
    })().finally(() => {
      isMaking = false;
    });
    for (let isLast = false; !isLast; ) {
      isLast = !isMaking;
      for (let hasMore = true; hasMore; ) {
        const page = await grpc.list(tenantId, { order: 'oldest', limit: 7, afterKeyId: seen.at(-1) });
        seen.push(...idsOf(page));
        ({ hasMore } = page);
      }
    }
    await making;
    expect(seen).toHaveLength(201);
    expect(seen).toEqual(await wholeList(tenantId, 'oldest'));
  });
});
