import { describe, expect, it } from '@jest/globals';
import { Breaker } from './breaker.js';

function afterFailures(count: number): Breaker {
  const breaker = new Breaker(3, 1000);
  for (let i = 0; i < count; i += 1) {
    breaker.admits(0);
    breaker.failed(0);
  }
  return breaker;
}

describe('the breaker', () => {
  it('admits all as long as fewer fail in a row than it bears', () => {
    const breaker = afterFailures(2);
    expect(breaker.admits(0)).toBe(true);
    breaker.succeeded();
    breaker.failed(0);
    breaker.failed(0);
    expect(breaker.admits(0)).toBe(true);
  });

  it('opens after that, and admits one attempt after each pause', () => {
    const breaker = afterFailures(3);
    expect(breaker.admits(999)).toBe(false);
    expect(breaker.admits(1000)).toBe(true);
    expect(breaker.admits(1000)).toBe(false);
    breaker.failed(1500);
    expect(breaker.admits(2499)).toBe(false);
    expect(breaker.admits(2500)).toBe(true);
  });

  it('closes when the attempt succeeds', () => {
    const breaker = afterFailures(3);
    expect(breaker.admits(1000)).toBe(true);
    breaker.succeeded();
    expect(breaker.admits(1000)).toBe(true);
    expect(breaker.admits(1000)).toBe(true);
  });

  it('admits another attempt when the last one never ended', () => {
    const breaker = afterFailures(3);
    breaker.admits(1000);
    expect(breaker.admits(2000)).toBe(true);
  });
});
