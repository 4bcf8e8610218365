import { describe, expect, it } from '@jest/globals';
import { readProfiles } from './file-profiles.js';
import { type Profile } from './profile.js';
import { Profiles } from './profiles.js';

const [base] = readProfiles('deploy/profiles', ['default']).all as [Profile];
const one = { ...base, name: 'one', hosts: ['one.example', 'other.example'] };
const any = { ...base, name: 'default', hosts: ['*'] };

describe('the profile of a host', () => {
  it.each([
    ['one.example', 'one'],
    ['other.example', 'one'],
    ['ONE.example:3000', 'one'],
    ['one.example.', 'one'],
    ['one.example.:443', 'one'],
    ['one.example:', 'one'],
    ['sub.one.example', 'default'],
    ['one.example.evil', 'default'],
    ['[::1]:3000', 'default'],
    ['', 'default'],
    [undefined, 'default'],
  ])('"%s" is %s', (header, name) => {
    expect(new Profiles([any, one]).ofHost(header)?.name).toBe(name);
  });

  it('is none for an unknown host where no profile takes every one', () => {
    const profiles = new Profiles([one]);
    expect(profiles.ofHost('two.example')).toBeUndefined();
    expect(profiles.ofHost(undefined)).toBeUndefined();
    expect(profiles.ofHost('constructor')).toBeUndefined();
  });

  it('is not its name', () => {
    expect(new Profiles([one]).named('one')).toBe(one);
    expect(new Profiles([one]).named('one.example')).toBeUndefined();
  });
});
