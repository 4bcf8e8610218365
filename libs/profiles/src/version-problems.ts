import { versionChangeOf } from './dated-version.js';
import type { ObjectSchema } from './json-schema.js';
import { schemaProblem } from './json-schema.js';
import type { ProfileDocument } from './profile-document.request.js';

/** Every contradiction among the versions, each as `path: sentence`. */
export function versionProblems({ versions, collections, managedKeysPath }: ProfileDocument): string[] {
  if (versions === undefined) return [];
  const { dated } = versions;
  const dates = dated.map(({ date }) => date);
  const schemas = new Map(collections.map(({ name, schema }) => [name, schema as unknown as ObjectSchema]));
  return [
    ...(managedKeysPath === undefined
      ? ['versions: need a scope that manages keys, for who may upgrade']
      : []),
    ...(dates.every((date, at) => at === 0 || (dates[at - 1] ?? '') < date)
      ? []
      : ['versions.dated: must be in the order of their dates']),
    ...(dated[0]?.changes.length === 0
      ? []
      : ['versions.dated.0.changes: must be empty: there is none before']),
    // From the newest back, as the schemas are worked out.
    ...dated
      .flatMap(({ changes }, at) =>
        changes.map((change, i) => ({ change, path: `versions.dated.${at}.changes.${i}` })),
      )
      .toReversed()
      .flatMap(({ change, path }) => {
        const schema = schemas.get(change.collection);
        if (schema === undefined) return [`${path}.collection: names no collection: ${change.collection}`];
        const wrong = change.schema === undefined ? undefined : schemaProblem(change.schema);
        if (wrong !== undefined) return [`${path}.schema: ${wrong}`];
        try {
          schemas.set(change.collection, versionChangeOf(change).schemaBack(schema));
          return [];
        } catch (error) {
          return [`${path}: ${(error as Error).message}`];
        }
      }),
  ];
}
