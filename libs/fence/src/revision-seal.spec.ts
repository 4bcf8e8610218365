import fc from 'fast-check';
import { RevisionSeal } from './revision-seal.js';

const [first, second] = [1, 2].map((fill) => ({ key: Buffer.alloc(32, fill) })) as [
  { key: Buffer },
  { key: Buffer },
];
const seal = new RevisionSeal([first]);
const REVISION = { epoch: '7-1-0', head: 12, stream: 'key-key_01', version: 3 };

it('opens what it sealed', () => {
  const revision = fc.record({
    epoch: fc.string(),
    head: fc.maxSafeNat(),
    stream: fc.string(),
    version: fc.maxSafeNat(),
  });
  fc.assert(fc.property(revision, (given) => expect(seal.open(seal.seal(given))).toEqual(given)));
});

it('opens what either of two keys sealed while they are changed, and seals with the first', () => {
  const changing = new RevisionSeal([second, first]);
  expect(changing.open(seal.seal(REVISION))).toEqual(REVISION);
  expect(new RevisionSeal([second]).open(changing.seal(REVISION))).toEqual(REVISION);
  expect(seal.open(changing.seal(REVISION))).toBeUndefined();
});

it('opens nothing with a bit changed, cut off or put on', () => {
  const token = seal.seal(REVISION);
  const bytes = Buffer.from(token, 'base64url');
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    expect(seal.open(changed.toString('base64url'))).toBeUndefined();
  }
  for (const other of [token.slice(0, -1), `${token}A`, `${token}=`, ` ${token}`])
    expect(seal.open(other)).toBeUndefined();
});

it('opens nothing that is no token', () => {
  fc.assert(fc.property(fc.string(), (text) => expect(seal.open(text)).toBeUndefined()));
  expect(seal.open('')).toBeUndefined();
});
