import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { getMetadataStorage } from 'class-validator';
import { parse } from 'yaml';
import { CollectionDocument, ForbiddenDocument, ParentDocument } from './collections-document.request.js';
import { ERROR_CAUSES } from './error-table.js';
import { ErrorRowDocument, ErrorsDocument, StatusRowDocument } from './errors-document.request.js';
import {
  EnvironmentsDocument,
  FormatDocument,
  HintDocument,
  KeysDocument,
  RotationDocument,
} from './keys-document.request.js';
import {
  ProfileDocument,
  RateLimitDocument,
  RateLimitRowDocument,
  RoleDocument,
  ScopeRuleDocument,
  ScopesDocument,
} from './profile-document.request.js';
import {
  ValuePairDocument,
  VersionChangeDocument,
  VersionDocument,
  VersionsDocument,
} from './versions-document.request.js';
import { byTitle, documentWith, goodDocument, MISFORMED } from './profile-mistakes.contract.js';

interface Schema {
  description?: string;
  type?: string;
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  enum?: unknown[];
  additionalProperties?: unknown;
}

const DIRECTORY = 'deploy/profiles';
const schema: Schema = JSON.parse(readFileSync(join(DIRECTORY, 'profile.schema.json'), 'utf8'));
const validate = new Ajv2020({ allErrors: true }).compile(schema);

/** The class of every mapping, by its place; `[]` stands for the items of a list. */
const CLASSES: Readonly<Record<string, new () => object>> = {
  '': ProfileDocument,
  '.keys': KeysDocument,
  '.keys.format': FormatDocument,
  '.keys.format.environments': EnvironmentsDocument,
  '.keys.hint': HintDocument,
  '.keys.rotation': RotationDocument,
  '.scopes': ScopesDocument,
  '.scopes.rules[]': ScopeRuleDocument,
  '.collections[]': CollectionDocument,
  '.collections[].parent': ParentDocument,
  '.collections[].forbidden[]': ForbiddenDocument,
  '.versions': VersionsDocument,
  '.versions.dated[]': VersionDocument,
  '.versions.dated[].changes[]': VersionChangeDocument,
  '.versions.dated[].changes[].pairs[]': ValuePairDocument,
  '.rateLimit': RateLimitDocument,
  '.rateLimit.rows[]': RateLimitRowDocument,
  '.roles[]': RoleDocument,
  '.errors': ErrorsDocument,
  '.errors.rows[]': ErrorRowDocument,
  '.errors.statuses[]': StatusRowDocument,
};

/** Every schema with its place. */
function partsOf(part: Schema, path = ''): [path: string, part: Schema][] {
  return [
    [path, part],
    ...Object.entries(part.properties ?? {}).flatMap(([name, member]) => partsOf(member, `${path}.${name}`)),
    ...(part.items === undefined ? [] : partsOf(part.items, `${path}[]`)),
  ];
}

const parts = partsOf(schema);
const mappings = parts.filter(([, { properties }]) => properties !== undefined);

function membersOf(type: new () => object): { all: string[]; required: string[] } {
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  const all = [...new Set(rules.map(({ propertyName }) => propertyName))].toSorted();
  const optional = rules
    .filter((rule) => rule.type === 'conditionalValidation')
    .map(({ propertyName }) => propertyName);
  return { all, required: all.filter((name) => !optional.includes(name)) };
}

describe('the JSON Schema of profiles', () => {
  it.each(readdirSync(DIRECTORY).filter((file) => file.endsWith('.yaml')))(
    'takes %s, which points to it',
    (file) => {
      const text = readFileSync(join(DIRECTORY, file), 'utf8');
      expect(text.split('\n', 1)).toEqual(['# yaml-language-server: $schema=./profile.schema.json']);
      validate(parse(text));
      expect(validate.errors).toBeNull();
    },
  );

  it.each(byTitle(MISFORMED))('refuses what the document refuses: %s', (_, { at, value }) => {
    expect(validate(goodDocument())).toBe(true);
    expect(validate(documentWith([{ at, value }]))).toBe(false);
  });

  it('has a mapping for every class of the document', () => {
    expect(mappings.map(([path]) => path).toSorted()).toEqual(Object.keys(CLASSES).toSorted());
  });

  it.each(mappings)(
    'has exactly the members of the document at "%s", and asks for the same',
    (path, part) => {
      const members = membersOf(CLASSES[path] as new () => object);
      expect(Object.keys(part.properties ?? {}).toSorted()).toEqual(members.all);
      expect(part.required?.toSorted()).toEqual(members.required);
      expect(part.additionalProperties).toBe(false);
    },
  );

  it('is what docs/profiles.md says of every member', () => {
    const document = readFileSync('docs/profiles.md', 'utf8');
    const rows = [...document.matchAll(/^\| `(\S+)`( \?)? \| (.+) \|$/gm)].map(
      ([, path, optional, meaning]) => ({
        path: `.${path}`,
        optional: optional !== undefined,
        meaning,
      }),
    );
    const members = parts
      .filter(([path]) => path !== '' && !path.endsWith('[]'))
      .map(([path, { description }]) => {
        const [, parent = '', name = ''] = /^(.*)\.(\w+)$/.exec(path) ?? [];
        const { required } = mappings.find(([place]) => place === parent)?.[1] ?? {};
        return { path, optional: required?.includes(name) !== true, meaning: description };
      });
    expect(rows.filter(({ path }) => members.some((member) => member.path === path))).toEqual(members);
  });

  it('describes every member', () => {
    const silent = parts.filter(([path, { description }]) => !path.endsWith('[]') && !description);
    expect(silent.map(([path]) => path)).toEqual([]);
  });

  it('knows every cause of an error', () => {
    const causes = parts.find(([path]) => path === '.errors.rows[].on[]')?.[1].enum;
    expect(causes).toEqual(ERROR_CAUSES);
  });
});
