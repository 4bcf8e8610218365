import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { legacyPatternOf } from './legacy-pattern.js';

describe('a pattern of imported keys', () => {
  it.each([
    '^sk_[0-9a-f]{40}$',
    '^(live|test)_[A-Za-z0-9]{20,64}$',
    '^[A-Za-z0-9+/]+={0,2}$',
    '^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$',
    String.raw`^\w+\.v1$`,
    '^(old_)?.{32}$',
    '^a|b$',
  ])('may be %s', (text) => {
    expect(legacyPatternOf(text)).toBeInstanceOf(RegExp);
  });

  it.each([
    '^(a+)+$',
    '^(a|a)*$',
    '^(a|aa){40}$',
    '^[a-z]+[a-z]+$',
    '^.*.*x$',
    '^(a?){30}a{30}$',
    '^((a|b)+c)*$',
    '^(|a)+$',
  ])('is refused where a hostile credential could take it for ever: %s', (text) => {
    expect(legacyPatternOf(text)).toMatch(/^can be tried in too many ways/);
  });

  it.each([
    ['^(?=a)b$', '(?=a)b'],
    [String.raw`^(a)\1$`, String.raw`\1`],
    [String.raw`^a\b$`, String.raw`\b`],
    ['^a$b$', '$b'],
    ['^(?<name>a)$', '(?<name>a)'],
  ])('is refused with what its cost cannot be told of: %s', (text, rest) => {
    expect(legacyPatternOf(text)).toBe(`has what is no character, class, group or repetition: "${rest}"`);
  });

  it.each(['sk_.*', '^sk_', 'sk_$', ''])('is refused where it is not anchored: "%s"', (text) => {
    expect(legacyPatternOf(text)).toMatch(/^is not anchored/);
  });

  it.each(['^($', '^[z-a]$', '^a{2,1}$', '^*$'])('is refused where it is none: %s', (text) => {
    expect(legacyPatternOf(text)).toMatch(/^is not a regular expression/);
  });

  it('covers the whole credential, also where it has alternatives', () => {
    const pattern = legacyPatternOf('^a|b$') as RegExp;
    expect(['a', 'b'].every((text) => pattern.test(text))).toBe(true);
    expect(['ax', 'xb', 'a\n'].some((text) => pattern.test(text))).toBe(false);
  });

  it('is a pattern or a sentence, whatever is written', () => {
    const pieces = fc.constantFrom(
      'a',
      '[a-z]',
      '(',
      '(?:',
      ')',
      '|',
      '*',
      '+',
      '?',
      '{2}',
      '{1,3}',
      '\\',
      '\\d',
      '.',
      '^',
      '$',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (drawn) => {
        const text = `^${drawn.join('')}$`;
        const pattern = legacyPatternOf(text);
        // What is taken means the same to the engine, which is asked nothing that could take it long.
        if (pattern instanceof RegExp)
          expect(pattern.source).toBe(new RegExp(`^(?:${text.slice(1, -1)})$`).source);
        else expect(pattern.length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});
