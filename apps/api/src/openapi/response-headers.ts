import type { Profile } from '#libs/profiles';
import type { HeaderObject, JsonSchemaObject, ReferenceObject } from './openapi-object.js';

/** `components.headers`: what the product's answers carry. */
export function sharedHeaders({ versions, rateLimit }: Profile): Record<string, HeaderObject> {
  return {
    'X-Request-Id': header('Id of the request.'),
    ...(versions !== null && { [versions.header]: header('The version that the request was answered in.') }),
    ...(rateLimit !== null && {
      'RateLimit-Policy': header('The key’s limit: q requests in w seconds.'),
      RateLimit: header('r requests are left; in t seconds it is whole again.'),
      ...(rateLimit.xHeaders && {
        'X-RateLimit-Limit': header('Requests a minute.', { type: 'integer' }),
        'X-RateLimit-Remaining': header('Requests left.', { type: 'integer' }),
        'X-RateLimit-Reset': header('Seconds until it is whole again.', { type: 'integer' }),
      }),
    }),
  };
}

/** Of an answer to a verified request, or to one that was refused before. */
export function headersOf(profile: Profile, isVerified = true): Record<string, ReferenceObject> {
  const names = Object.keys(sharedHeaders(profile)).filter((name) => isVerified || name === 'X-Request-Id');
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function header(description: string, schema: JsonSchemaObject = { type: 'string' }): HeaderObject {
  return { description, schema };
}
