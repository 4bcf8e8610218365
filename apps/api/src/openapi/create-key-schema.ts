import type { Profile } from '#libs/profiles';
import type { JsonSchemaObject } from './openapi-object.js';

/** What is sent to make a key, as the product's rules for keys leave it. */
export function createKeySchema({ keys, scopes }: Profile, own: JsonSchemaObject): JsonSchemaObject {
  const { properties = {}, required = [] } = own as {
    properties?: Readonly<Record<string, JsonSchemaObject>>;
    required?: readonly string[];
  };
  const { scopes: ownScopes, expiresAt, environment, ...others } = properties;
  const names = scopes.rules.map(({ name }) => name);
  const wished = {
    ...ownScopes,
    ...(scopes.choice !== 'free' && {
      items: { type: 'string', enum: names },
      minItems: 1,
      example: names.slice(0, 1),
    }),
    ...(scopes.choice === 'one' && { maxItems: 1 }),
  };
  return {
    ...own,
    additionalProperties: false,
    properties: {
      ...others,
      environment: { ...environment, enum: [...keys.environments, null] },
      ...(scopes.choice !== 'all' && { scopes: wished }),
      ...(keys.expiry !== 'never' && { expiresAt }),
    },
    required: [
      ...required,
      ...(scopes.whenAbsent === 'refused' && scopes.choice !== 'all' ? ['scopes'] : []),
      ...(keys.expiry === 'required' ? ['expiresAt'] : []),
    ],
  };
}
