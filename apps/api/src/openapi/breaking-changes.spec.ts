import { readFileSync } from 'node:fs';
import { breakingChanges } from './breaking-changes.contract.js';
import type { OpenApiObject } from './openapi-object.js';

// biome-ignore lint/suspicious/noExplicitAny: a document is changed in any place
type Changed = any;

const text = readFileSync('docs/openapi/syntropy-2026-10-01.json', 'utf8');
const before: OpenApiObject = JSON.parse(text);

/** What is broken by a change of the document. */
function brokenBy(change: (document: Changed) => void): string[] {
  const after: Changed = JSON.parse(text);
  change(after);
  return breakingChanges(before, after);
}

const AGENTS = '/api/v1/agents';
const schemas = (document: Changed) => document.components.schemas;

describe('the changes that a version may see (SYNTROPY-5)', () => {
  it.each<[string, (document: Changed) => void]>([
    ['nothing', () => undefined],
    [
      'a new resource',
      (document) => {
        document.paths['/api/v1/rules'] = document.paths[AGENTS];
      },
    ],
    [
      'a new method',
      (document) => {
        document.paths[AGENTS].put = document.paths[AGENTS].post;
      },
    ],
    [
      'a new optional parameter',
      (document) =>
        document.paths[AGENTS].get.parameters.push({ name: 'tag', in: 'query', schema: { type: 'string' } }),
    ],
    [
      'a new optional property of what is sent',
      (document) => {
        schemas(document).AgentsCreate.properties.region = { type: 'string' };
      },
    ],
    [
      'a new property of what is answered, required or not',
      (document) => {
        schemas(document).Agents.properties.region = { type: 'string' };
        schemas(document).Agents.required.push('region');
      },
    ],
    [
      'another order of properties',
      (document) => {
        const { properties } = schemas(document).Agents;
        schemas(document).Agents.properties = Object.fromEntries(Object.entries(properties).toReversed());
      },
    ],
    [
      'another length and format of opaque texts that are answered',
      (document) => Object.assign(schemas(document).Agents.properties.id, { maxLength: 200, pattern: '^x' }),
    ],
    [
      'other words for people',
      (document) => {
        document.info.description = 'Other words.';
        document.paths[AGENTS].get.summary = 'Other words';
        schemas(document).Error.properties.message.description = 'Other words.';
      },
    ],
    [
      'wider bounds of what is sent, and a value more',
      (document) => {
        schemas(document).AgentsCreate.properties.name.maxLength = 500;
        schemas(document).ServicesCreate.properties.protocol.enum.push('quic');
      },
    ],
    [
      'what had to be given may be left out',
      (document) => {
        schemas(document).AgentsCreate.required = [];
      },
    ],
    [
      'an error that is never answered any more',
      (document) => {
        delete document.paths[AGENTS].post.responses[413];
      },
    ],
  ])('may be %s', (_, change) => {
    expect(brokenBy(change)).toEqual([]);
  });

  it.each<[string, (document: Changed) => void, RegExp]>([
    [
      'a resource that is gone',
      (document) => {
        delete document.paths[AGENTS];
      },
      /^GET \/api\/v1\/agents is gone$/,
    ],
    [
      'a method that is gone',
      (document) => {
        delete document.paths[AGENTS].post;
      },
      /^POST \/api\/v1\/agents is gone$/,
    ],
    [
      'a parameter that is gone',
      (document) => {
        document.paths[AGENTS].get.parameters.pop();
      },
      /the parameter \w+ is gone$/,
    ],
    [
      'a new parameter that must be given',
      (document) => document.paths[AGENTS].get.parameters.push({ name: 'tag', in: 'query', required: true }),
      /the new parameter tag must be given$/,
    ],
    [
      'a parameter with less range',
      (document) => {
        document.paths[AGENTS].get.parameters.find(
          ({ name }: { name: string }) => name === 'limit',
        ).schema.maximum = 50;
      },
      /limit has another maximum: 50$/,
    ],
    [
      'a property that is no longer taken',
      (document) => {
        delete schemas(document).AgentsCreate.properties.description;
      },
      /the body: description is gone$/,
    ],
    [
      'a property that must be given now',
      (document) => schemas(document).AgentsCreate.required.push('description'),
      /the body: description must be given now$/,
    ],
    [
      'a value that is no longer taken',
      (document) => schemas(document).ServicesCreate.properties.protocol.enum.pop(),
      /protocol may no longer be "http"$/,
    ],
    [
      'a narrower form of what is sent',
      (document) => {
        schemas(document).AgentsCreate.properties.name.pattern = '^[a-z]+$';
      },
      /name has another pattern: \^\[a-z\]\+\$$/,
    ],
    [
      'another type of what is sent',
      (document) => {
        schemas(document).ServicesCreate.properties.port.type = 'string';
      },
      /port may no longer be integer$/,
    ],
    [
      'a property that is no longer answered',
      (document) => {
        delete schemas(document).Agents.properties.name;
      },
      /the answer 200.*: name is gone$/,
    ],
    [
      'a property that may be missing in answers',
      (document) => {
        schemas(document).Agents.required = ['id', 'createdAt', 'updatedAt'];
      },
      /name may be missing now$/,
    ],
    [
      'another type of what is answered',
      (document) => {
        schemas(document).Services.properties.port.type = ['integer', 'null'];
      },
      /port may be null$/,
    ],
    [
      'a value that was never answered before',
      (document) => schemas(document).Services.properties.protocol.enum.push('quic'),
      /protocol may be "quic"$/,
    ],
    [
      'an answer that is gone',
      (document) => {
        document.paths[AGENTS].post.responses = { 202: document.paths[AGENTS].post.responses[201] };
      },
      /the answer 201 is gone$/,
    ],
    [
      'another body of errors',
      (document) => {
        delete schemas(document).Error.properties.error;
      },
      /the answer 4\d\d: error is gone$/,
    ],
  ])('may not be %s', (_, change, broken) => {
    const found = brokenBy(change);
    expect(found.filter((line) => broken.test(line)).length).toBeGreaterThan(0);
    expect(found.filter((line) => !broken.test(line) && !line.endsWith('is gone'))).toEqual([]);
  });

  it('are told apart from those between versions: each newer one breaks the one before', () => {
    const dates = ['2025-03-01', '2026-02-01', '2026-10-01'];
    const documents = dates.map(
      (date) => JSON.parse(readFileSync(`docs/openapi/syntropy-${date}.json`, 'utf8')) as OpenApiObject,
    );
    for (const [at, document] of documents.slice(1).entries()) {
      expect(breakingChanges(documents[at] as OpenApiObject, document).length).toBeGreaterThan(0);
    }
  });
});
