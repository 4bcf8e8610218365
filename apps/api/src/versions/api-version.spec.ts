import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type ServedApi, serveApi } from '../served-api.contract.js';

const HOST = 'syntropy.localhost';
const BEARER = 'Authorization: Bearer good';
const NEWEST = '2026-10-01';

describe('the version that a request is answered in', () => {
  let api: ServedApi;
  beforeAll(async () => {
    api = await serveApi();
  });
  beforeEach(() => api.accountVersions.versions.clear());
  afterAll(() => api.close());

  const whoami = (...headers: string[]) => api.send('GET', '/api/v1/whoami', [BEARER, ...headers], '', HOST);

  it('is the newest at the first call, and that one from then on', async () => {
    expect((await whoami()).headers['syntropy-version']).toBe(NEWEST);
    expect(api.accountVersions.versions.get('acme')).toBe(NEWEST);
    api.accountVersions.versions.set('acme', '2025-03-01');
    expect((await whoami()).headers['syntropy-version']).toBe('2025-03-01');
  });

  it('is tried by the header, which must name one that there is, once', async () => {
    expect((await whoami('Syntropy-Version: 2026-02-01')).headers['syntropy-version']).toBe('2026-02-01');
    for (const wrong of [
      ['Syntropy-Version: 2026-02-02'],
      ['Syntropy-Version: '],
      ['Syntropy-Version: 2026-02-01', 'Syntropy-Version: 2026-10-01'],
    ]) {
      const { status, body } = await whoami(...wrong);
      expect([wrong, status]).toEqual([wrong, 400]);
      expect(body).toContain('there are 2025-03-01, 2026-02-01, 2026-10-01');
    }
  });

  it('is not one that only a newer replica knows: that is no fault of the request', async () => {
    api.accountVersions.versions.set('acme', '2099-01-01');
    const { status, headers } = await whoami();
    expect([status, headers['retry-after']]).toEqual([503, '1']);
  });
});
