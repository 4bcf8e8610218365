import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SealedRecord } from '#libs/contracts';
import type { KeyView, RecordId } from './key-view.js';

/** What every adapter of {@link KeyView} promises. `empty` loses all that the view holds, its marker too. */
export function keyViewContract(open: () => Promise<{ view: KeyView; empty: () => Promise<void> }>): void {
  describe('as a KeyView', () => {
    let view: KeyView;
    let empty: () => Promise<void>;

    beforeAll(async () => {
      ({ view, empty } = await open());
    });
    beforeEach(() => empty());
    afterAll(() => view.close());

    it('finds nothing where nothing was put', async () => {
      expect(await view.find([secret('a'), tenant('a')])).toEqual([undefined, undefined]);
      expect(await view.find([])).toEqual([]);
    });

    it('finds records in the order asked for, each as often as asked for', async () => {
      await view.put(secret('a'), 1, sealed('of a'));
      await view.put(secret('b'), 1, sealed('of b'));
      const found = await view.find([secret('b'), secret('none'), secret('a'), secret('b')]);
      expect(found).toEqual([sealed('of b'), undefined, sealed('of a'), sealed('of b')]);
    });

    it('answers many finds made at the same time, each with its own', async () => {
      const ids = Array.from({ length: 1500 }, (_, index) => `d${index}`);
      await Promise.all(ids.map((id) => view.put(secret(id), 1, sealed(id))));
      const answers = await Promise.all(ids.map((id) => view.find([tenant(id), secret(id)])));
      expect(answers).toEqual(ids.map((id) => [undefined, sealed(id)]));
      expect(await view.find(ids.map(secret))).toEqual(ids.map(sealed));
    });

    it('keeps a secret and a tenant of the same name apart', async () => {
      await view.put(secret('same'), 5, sealed('the secret'));
      await view.put(tenant('same'), 1, sealed('the tenant'));
      expect(await view.find([secret('same'), tenant('same')])).toEqual([
        sealed('the secret'),
        sealed('the tenant'),
      ]);
    });

    it('keeps the newer record when an older one, or the same version again, comes later', async () => {
      expect(await view.put(secret('a'), 2, sealed('second'))).toBe(true);
      expect(await view.put(secret('a'), 1, sealed('first'))).toBe(false);
      expect(await view.put(secret('a'), 2, sealed('second again'))).toBe(false);
      expect(await view.find([secret('a')])).toEqual([sealed('second')]);
      expect(await view.put(secret('a'), 3, sealed('third'))).toBe(true);
      expect(await view.find([secret('a')])).toEqual([sealed('third')]);
    });

    it.each([
      [9, 10],
      [99, 100],
      [Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER],
    ])('compares versions as numbers: %d is older than %d', async (older, newer) => {
      await view.put(secret('a'), newer, sealed('newer'));
      expect(await view.put(secret('a'), older, sealed('older'))).toBe(false);
      await view.put(secret('b'), older, sealed('older'));
      expect(await view.put(secret('b'), newer, sealed('newer'))).toBe(true);
      expect(await view.find([secret('a'), secret('b')])).toEqual([sealed('newer'), sealed('newer')]);
    });

    it.each([0, -1, 1.5, Number.NaN, 2 ** 53, Infinity])('refuses the version %d', async (version) => {
      await expect(view.put(secret('a'), version, sealed('x'))).rejects.toThrow(RangeError);
      expect(await view.find([secret('a')])).toEqual([undefined]);
    });

    it('ends with the newest record of each address, in whatever order and however often they are put', async () => {
      const puts = fc.array(
        fc.record({ id: fc.constantFrom('a', 'b', 'c'), version: fc.integer({ min: 1, max: 6 }) }),
        { minLength: 1, maxLength: 25 },
      );
      await fc.assert(
        fc
          .asyncProperty(puts, async (all) => {
            for (const { id, version } of all) {
              await view.put(secret(id), version, sealed(`${id} v${version}`));
            }
            const newest = new Map<string, number>();
            for (const { id, version } of all) newest.set(id, Math.max(version, newest.get(id) ?? 0));
            const ids = [...newest.keys()];
            expect(await view.find(ids.map(secret))).toEqual(
              ids.map((id) => sealed(`${id} v${newest.get(id)}`)),
            );
          })
          .beforeEach(() => empty()),
        { numRuns: 30 },
      );
    });

    it('gives back every character that was sealed', async () => {
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (text) => {
          await empty();
          const record = sealed(`|${text}|{"é": "\u0000\n|"}`);
          await view.put(tenant('t'), 7, record);
          expect(await view.find([tenant('t')])).toEqual([record]);
        }),
        { numRuns: 30 },
      );
    });

    it('replaces exactly the unsound record that was found, even one that claims the highest version', async () => {
      const forged = sealed('forged');
      await view.put(secret('a'), Number.MAX_SAFE_INTEGER, forged);
      expect(await view.replace(secret('a'), sealed('another'), 3, sealed('real'))).toBe(false);
      expect(await view.replace(secret('none'), forged, 3, sealed('real'))).toBe(false);
      expect(await view.replace(secret('a'), { ...forged, seal: 'other' }, 3, sealed('real'))).toBe(false);
      expect(await view.find([secret('a'), secret('none')])).toEqual([forged, undefined]);
      expect(await view.replace(secret('a'), forged, 3, sealed('real'))).toBe(true);
      expect(await view.put(secret('a'), 4, sealed('later'))).toBe(true);
      expect(await view.find([secret('a')])).toEqual([sealed('later')]);
    });

    it('is complete from when it was marked until it is emptied', async () => {
      expect(await view.isComplete()).toBe(false);
      await view.put(secret('a'), 1, sealed('x'));
      expect(await view.isComplete()).toBe(false);
      await view.markComplete();
      await view.markComplete();
      expect(await view.isComplete()).toBe(true);
      await empty();
      expect(await view.isComplete()).toBe(false);
    });

    it('answers a check', async () => {
      await expect(view.check()).resolves.toBeUndefined();
    });
  });
}

const secret = (id: string): RecordId => ({ kind: 'secret', id });
const tenant = (id: string): RecordId => ({ kind: 'tenant', id });
const sealed = (json: string): SealedRecord => ({ json, sealKeyId: 'k1', seal: 'c2VhbA' });
