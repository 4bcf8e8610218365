import fc from 'fast-check';
import { EventQueue } from './event-queue.js';

it('gives back by time what was added, and what is at one time in the order of its adding', () => {
  // A time to add an event at, or to take one.
  const steps = fc.array(fc.option(fc.nat(9), { freq: 3 }));
  fc.assert(
    fc.property(steps, (given) => {
      const queue = new EventQueue();
      const plain: { at: number; added: number }[] = [];
      const happened: number[] = [];
      const take = () => {
        plain.sort((one, other) => one.at - other.at || one.added - other.added);
        const next = plain.shift();
        expect(queue.nextAt).toBe(next?.at ?? Number.POSITIVE_INFINITY);
        queue.take()?.run();
        expect(happened.pop()).toBe(next?.added);
      };
      for (const [added, at] of given.entries()) {
        if (at === null) take();
        else {
          plain.push({ at, added });
          queue.add(at, () => happened.push(added));
        }
      }
      while (plain.length > 0) take();
      expect(queue.take()).toBeUndefined();
    }),
  );
});
