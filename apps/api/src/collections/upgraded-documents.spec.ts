import { shippedProfiles } from '#libs/testing/shipped-profiles';
import { StandInDocuments } from '../stand-in-documents.contract.js';
import type { DocumentOwner } from './documents.js';
import { UpgradedDocuments } from './upgraded-documents.js';

const LIST = { collection: 'connections', parentId: null };
const PAGE = { order: 'asc', limit: 10, from: null, words: null } as const;
const owner: DocumentOwner = { tenantId: 'acme', environment: 'live' };
const dated = shippedProfiles.named('syntropy')?.versions?.dated ?? [];
const old = { agentId: 'agt_1', serviceId: 'svc_1', status: 'enabled', relay: true };
const newest = { agentId: 'agt_1', serviceId: 'svc_1', state: 'active', transport: 'relayed' };

describe('documents of older versions', () => {
  const kept = new StandInDocuments();
  const documents = new UpgradedDocuments(kept, dated);

  it('are read as the newest has them, one by one and in lists, and stay as they were written', async () => {
    const bodies: [version: string | null, body: object][] = [
      [null, old],
      ['2025-03-01', old],
      ['2026-02-01', { agentId: 'agt_1', serviceId: 'svc_1', state: 'active', relay: true }],
      ['2026-10-01', newest],
    ];
    await kept.of(owner, async (owned) => {
      for (const [at, [version, body]] of bodies.entries())
        await owned.add(LIST, { id: `cnx_${at}`, body: { ...body }, version, words: null });
    });
    await documents.of(owner, async (owned) => {
      const page = await owned.page(LIST, PAGE);
      expect(page?.documents.map(({ body }) => body)).toEqual(bodies.map(() => newest));
      for (const at of bodies.keys()) expect((await owned.find(LIST, `cnx_${at}`))?.body).toEqual(newest);
      expect(await owned.find(LIST, 'cnx_unknown')).toBeUndefined();
    });
    expect(kept.kept.map(({ body }) => body)).toEqual(bodies.map(([, body]) => body));
  });

  it('are neither shown nor changed by who does not know their version yet', async () => {
    const body = { agentId: 'agt_1', serviceId: 'svc_1', renamed: true };
    await kept.of(owner, (owned) =>
      owned.add(LIST, { id: 'cnx_later', body, version: '2099-01-01', words: null }),
    );
    const read = documents.of(owner, (owned) => owned.find(LIST, 'cnx_later', 'exclusive'));
    await expect(read).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterSeconds: 1 });
  });
});
