import {
  type Collection,
  type DatedVersion,
  type JsonObject,
  type ObjectSchema,
  type SchemaCheck,
  type ShownMembers,
  schemaCheck,
} from '#libs/profiles';

/** How a collection's documents are written and shown in one version of the API. */
export interface WrittenForm {
  /** Of what is sent to make a document. */
  problemsOfWhole: SchemaCheck;
  /** Of what is sent to change one. */
  problemsOfPart: SchemaCheck;
  /** Of a document as it is to be kept. */
  problemsOfNewest: SchemaCheck;
  /** To the newest version. `whole`: not only what is to be changed. */
  forward(body: JsonObject, whole: boolean): JsonObject;
  /** What is shown of a document as it is kept, in the order of {@link shown}; undefined is not shown. */
  members: ShownMembers;
  /** Of what is sent to make a document. */
  written: ObjectSchema;
  /** Of what is shown, but for the properties that every document has. */
  shown: ObjectSchema;
}

/** The form in a version; `later` are the versions after it, oldest first. */
export function writtenForm(collection: Collection, later: readonly DatedVersion[]): WrittenForm {
  const steps = later.flatMap(({ changes }) =>
    changes.filter((change) => change.collection === collection.name),
  );
  const backwards = steps.toReversed();
  const written = backwards.reduce((schema, step) => step.schemaBack(schema), collection.schema);
  const shown = backwards.reduce((schema, step) => step.shownBack(schema), collection.schema);
  const part = partOf(written);
  const problemsOfWhole = schemaCheck(written);
  return {
    problemsOfWhole,
    problemsOfPart: schemaCheck({ ...part, minProperties: 1 }),
    problemsOfNewest: steps.length === 0 ? problemsOfWhole : schemaCheck(collection.schema),
    forward: (body, whole) => steps.reduce((changed, step) => step.forward(changed, whole), body),
    members: backwards.reduce((members, step) => step.back(members), membersOf(collection.schema)),
    written,
    shown,
  };
}

function membersOf({ properties }: ObjectSchema): ShownMembers {
  return new Map(Object.keys(properties).map((name) => [name, (body: JsonObject) => body[name]]));
}

/** The properties that are shown of a document as it is kept. */
export function shownOf(
  { members }: Pick<WrittenForm, 'members'>,
  body: JsonObject,
): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [name, read] of members) {
    const value = read(body);
    if (value !== undefined) shown[name] = value;
  }
  return shown;
}

/** The schema of what is sent to change some properties: none must be given. */
export function partOf(written: ObjectSchema): ObjectSchema {
  return { ...written, required: [] };
}
