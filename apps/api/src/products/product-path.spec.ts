import { describe, expect, it } from '@jest/globals';
import { shippedProfile } from '#libs/testing/shipped-profiles';
import { publicPath, routedTarget } from './product-path.js';

const [own, synaptiq, syntropy, seyn] = ['default', 'synaptiq', 'syntropy', 'seyn'].map(shippedProfile) as [
  ReturnType<typeof shippedProfile>,
  ReturnType<typeof shippedProfile>,
  ReturnType<typeof shippedProfile>,
  ReturnType<typeof shippedProfile>,
];

describe('the target of a request', () => {
  it.each([
    [own, '/v1/keys?limit=1', '/v1/keys?limit=1'],
    [own, '/v1/keys/key_1/rotate', '/v1/keys/key_1/rotate'],
    [synaptiq, '/api/v1/keys/key_1', '/v1/keys/key_1'],
    [synaptiq, '/api/v1/enforcements/r', '/v1/enforcements/r'],
    [syntropy, '/api/v1/access-tokens?cursor=a', '/v1/keys?cursor=a'],
    [seyn, '/api/v1/whoami', '/v1/whoami'],
    [seyn, '/api/v1/whoami#x', '/v1/whoami#x'],
  ])('is brought to where the route lies', (product, target, routed) => {
    expect(routedTarget(product, target)).toBe(routed);
  });

  it.each([
    [synaptiq, '/v1/keys'],
    [synaptiq, '/api/v1/keysandmore'],
    [syntropy, '/api/v1/keys'],
    [syntropy, '/access-tokens'],
    [seyn, '/api/v1/keys'],
    [seyn, '/api/v1/enforcements/r'],
    [seyn, '/v1/whoami'],
    [own, '/api/v1/keys'],
    [own, '/'],
    [own, '/healthy'],
  ])('of what the product does not have leads where no route is', (product, target) => {
    expect(routedTarget(product, target)).toBe(`/~${target}`);
  });

  it.each(['/health/live', '/health/ready', '/metrics', '/openapi.json', '/docs', '/docs/index.css'])(
    'of what every host has stays: %s',
    (target) => {
      for (const product of [own, synaptiq, seyn]) expect(routedTarget(product, target)).toBe(target);
    },
  );

  it('is told back to users as they know it', () => {
    expect(publicPath(own, '/v1/enforcements/r')).toBe('/v1/enforcements/r');
    expect(publicPath(syntropy, '/v1/enforcements/r')).toBe('/api/v1/enforcements/r');
    expect(publicPath(syntropy, '/v1/keys/key_1')).toBe('/api/v1/access-tokens/key_1');
  });
});
