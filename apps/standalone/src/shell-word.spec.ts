import { execFileSync } from 'node:child_process';
import { shellWord } from './shell-word.js';

describe('a word of a shell', () => {
  it.each([
    '.latchkey/demo-key',
    'two words',
    `it's "quoted" $HOME \`pwd\` \\ & | ; * ? ~ # !`,
    '~/key',
    'http://[::1]:3000/v1/keys?limit=1&cursor=x',
    'Schlüssel',
    '',
  ])('is read by sh as the very text, also inside of "$(…)": %s', (text) => {
    const script = `printf '%s' ${shellWord(text)}; printf '%s' "$(printf '%s' ${shellWord(text)})"`;
    expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe(text + text);
  });

  it('stays as it is where no quotes are needed', () => {
    expect(shellWord('.latchkey/demo-key')).toBe('.latchkey/demo-key');
    expect(shellWord('http://127.0.0.1:3000/v1/whoami')).toBe('http://127.0.0.1:3000/v1/whoami');
  });
});
