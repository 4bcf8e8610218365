import { expect, it } from '@jest/globals';
import { directoryArgument } from './directory-argument.js';

const of = (...given: string[]) => directoryArgument('backup', 'out', given);

it('takes the directory in either form', () => {
  expect(of('--out', 'a b')).toBe('a b');
  expect(of('--out=a=b')).toBe('a=b');
});

it.each([
  [[]],
  [['--out']],
  [['--out=']],
  [['dir']],
  [['--in', 'dir']],
  [['--out', 'a', 'b']],
  [['--out', '--in']],
])('refuses %j and says how it is called', (given) =>
  expect(() => of(...given)).toThrow('name a directory: npm run backup -- --out DIR'),
);
