import type { Profile } from '#libs/profiles';
import type { JsonSchemaObject, ParameterObject } from './openapi-object.js';

/** The parameters of lists that a product's lists take. */
export function listParameters(
  { paging }: Pick<Profile, 'paging'>,
  { isSearched }: { isSearched: boolean },
  all: readonly ParameterObject[],
): ParameterObject[] {
  const foreign = [
    ...(paging === 'cursor' ? ['skip', 'take'] : ['cursor']),
    ...(isSearched ? [] : ['query']),
  ];
  return all.filter(({ name }) => !foreign.includes(name));
}

/** A page of a list. */
export function listSchema({ paging }: Pick<Profile, 'paging'>, item: JsonSchemaObject): JsonSchemaObject {
  const end =
    paging === 'cursor'
      ? {
          nextCursor: {
            description: 'To be handed in as cursor for the next page; null on the last.',
            type: ['string', 'null'],
            example: null,
          },
        }
      : {
          hasMore: {
            description: 'Whether the list goes on in the direction that was asked for.',
            type: 'boolean',
            example: false,
          },
        };
  return {
    type: 'object',
    required: ['data', ...Object.keys(end)],
    properties: { data: { type: 'array', items: item }, ...end },
  };
}
