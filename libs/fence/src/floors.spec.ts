import fc from 'fast-check';
import { Floors } from './floors.js';

const DIGITS = Array.from({ length: 16 }, (_, digit) => digit.toString(16));
const drawnId = fc.array(fc.constantFrom(...DIGITS), { minLength: 30, maxLength: 30 });
const keyId = fc.oneof(
  drawnId.map((digits) => `key_${digits.join('')}`),
  // Few bits that differ, all in one of the lanes: as many collisions as there can be.
  fc.tuple(fc.nat(3), fc.nat(40)).map(([lane, n]) => {
    const digits = [0, 0, 0, 0].map((_, at) => (at === lane ? n : 0).toString(16).padStart(8, '0'));
    return `key_${digits.join('').slice(0, 24)}${digits[3]?.slice(2)}`;
  }),
  fc.constantFrom('key_', 'k1', 'key_zz', `key_${'x'.repeat(30)}`, `key_${'0'.repeat(29)}-`, 'key_tenant-a'),
);
const raise = fc.record({
  subject: fc.oneof(
    keyId.map((id) => `key-${id}`),
    fc.constantFrom('tenant-a', 'tenant-b-c', 'secret-00ff'),
  ),
  floorVersion: fc.oneof(fc.nat(20), fc.constant(Number.MAX_SAFE_INTEGER)),
  terminal: fc.boolean(),
});

function idOf(subject: string): string {
  return subject.slice(subject.indexOf('-') + 1);
}

it('I2: holds of every subject the highest floor that it was ever given', () => {
  fc.assert(
    fc.property(fc.array(raise, { maxLength: 400, size: 'max' }), keyId, (raises, unheardOf) => {
      const floors = new Floors();
      const plain = new Map<string, number>();
      for (const { subject, floorVersion, terminal } of raises) {
        floors.raise({ subject, floorVersion, terminal });
        const floor = terminal ? Number.POSITIVE_INFINITY : floorVersion;
        plain.set(subject, Math.max(plain.get(subject) ?? 0, floor));
      }
      for (const subject of [...plain.keys(), `key-${unheardOf}`]) {
        const floor = subject.startsWith('tenant')
          ? floors.ofTenant(idOf(subject))
          : floors.ofKey(idOf(subject));
        if (!subject.startsWith('secret')) expect(floor).toBe(plain.get(subject) ?? 0);
      }
      const held = [...plain].filter(([subject, floor]) => !subject.startsWith('secret') && floor > 0);
      expect(floors.size).toBe(held.length);
    }),
  );
});

it('tells the floor of a revoked key from every other', () => {
  const floors = new Floors();
  floors.raise({ subject: 'key-1', floorVersion: 1, terminal: true });
  floors.raise({ subject: 'key-2', floorVersion: Number.MAX_SAFE_INTEGER, terminal: false });
  expect(['1', '2', '3'].map((id) => Floors.isTerminal(floors.ofKey(id)))).toEqual([true, false, false]);
});

it('keeps keys and tenants of the same id apart', () => {
  const floors = new Floors();
  floors.raise({ subject: 'key-a', floorVersion: 3, terminal: false });
  expect([floors.ofKey('a'), floors.ofTenant('a')]).toEqual([3, 0]);
});

it('keeps nothing of secrets, nor of floors that are none', () => {
  const floors = new Floors();
  const subject = `key-key_${'0'.repeat(30)}`;
  for (let n = 0; n < 1000; n += 1) floors.raise({ subject, floorVersion: 0, terminal: false });
  floors.raise({ subject: 'secret-00', floorVersion: 1, terminal: false });
  expect([floors.size, floors.bytes]).toEqual([0, 0]);
});

it('takes less than 64 bytes for each of many drawn keys, so that a million fit in 64 MB', () => {
  const floors = new Floors();
  const subjectOf = (n: number) => {
    // Spread as drawn ids are, without drawing: multiples of odd numbers.
    const lanes = [0x9e3779b1, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f].map((odd) => Math.imul(n, odd) >>> 0);
    const [a, b, c, d] = lanes.map((lane) => lane.toString(16).padStart(8, '0'));
    return `key-key_${a}${b}${c}${d?.slice(2)}`;
  };
  for (let n = 1; n <= 100_000; n += 1) {
    floors.raise({ subject: subjectOf(n), floorVersion: n, terminal: false });
    if (n >= 25_000 && n % 1000 === 0) expect(floors.bytes / n).toBeLessThan(64);
  }
  expect(floors.ofKey(subjectOf(54_321).slice(4))).toBe(54_321);
});
