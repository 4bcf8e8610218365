import { beforeEach, describe, expect, it } from '@jest/globals';
import { shippedProfiles } from '#libs/testing/shipped-profiles';
import { StandInDocuments } from '../stand-in-documents.contract.js';
import { changeDocument, createDocument, type MetCollection, removeDocument } from './document-commands.js';
import { WrittenForms } from './written-forms.js';

const syntropy = shippedProfiles.named('syntropy');
const forms = new WrittenForms();

function met(name: string): MetCollection {
  const collection = syntropy?.collections.find((each) => each.name === name);
  if (syntropy === undefined || collection === undefined) throw new Error(`syntropy has no ${name}`);
  return {
    collection,
    owner: { tenantId: 'acme', environment: 'live' },
    parentId: null,
    form: forms.of(syntropy, collection, '2026-10-01'),
    newest: '2026-10-01',
  };
}

describe('a document that refers to another', () => {
  let documents: StandInDocuments;
  let agentId: string;
  let serviceId: string;

  beforeEach(async () => {
    documents = new StandInDocuments();
    agentId = (await createDocument(documents, met('agents'), { name: 'eu' })).id;
    serviceId = (await createDocument(documents, met('services'), { name: 'billing', protocol: 'tcp' })).id;
  });

  const connect = (more: object = {}) =>
    createDocument(documents, met('connections'), { agentId, serviceId, transport: 'direct', ...more });

  it('is not made where the other is not there', async () => {
    await expect(connect({ agentId: 'agt_none' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('may go on to name what is gone by now, and nothing else that is not there', async () => {
    const { id, body } = await connect();
    await removeDocument(documents, met('agents'), agentId);
    const change = (sent: object) => changeDocument(documents, met('connections'), id, sent);
    const paused = await change({ ...body, state: 'paused' });
    expect(paused.body).toEqual({ ...body, state: 'paused' });
    await expect(change({ agentId: 'agt_none' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
