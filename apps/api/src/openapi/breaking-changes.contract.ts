import { isDeepStrictEqual } from 'node:util';
import type { JsonSchemaObject, OpenApiObject, OperationObject, ParameterObject } from './openapi-object.js';

/**
 * Which way a schema travels. What clients send may become wider, what they are answered may become narrower: never the
 * other way round.
 */
type Direction = 'sent' | 'answered';

type Schema = JsonSchemaObject & {
  $ref?: string;
  type?: string | readonly string[];
  enum?: readonly unknown[];
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  items?: Schema;
  additionalProperties?: unknown;
};

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
/** Of what is sent: a larger number, or a number where there was none, allows less. */
const LOWER_BOUNDS = ['minLength', 'minimum', 'minItems', 'minProperties'];
const UPPER_BOUNDS = ['maxLength', 'maximum', 'maxItems', 'maxProperties'];

/**
 * Every change from one document to another that is not of the kinds that clients must put up with: new resources,
 * optional parameters and properties, another order, another length or format of opaque texts. Each as a sentence.
 */
export function breakingChanges(before: OpenApiObject, after: OpenApiObject): string[] {
  return Object.entries(before.paths).flatMap(([path, methods]) =>
    METHODS.flatMap((method) => {
      const operation = methods[method];
      if (operation === undefined) return [];
      const place = `${method.toUpperCase()} ${path}`;
      const now = after.paths[path]?.[method];
      if (now === undefined) return [`${place} is gone`];
      return new Comparison(before, after).operation(place, operation, now);
    }),
  );
}

/** Compares what two documents say of one operation. */
class Comparison {
  constructor(
    private readonly before: OpenApiObject,
    private readonly after: OpenApiObject,
  ) {}

  operation(place: string, before: OperationObject, after: OperationObject): string[] {
    return [
      ...this.parameters(place, before.parameters ?? [], after.parameters ?? []),
      ...this.body(place, before, after),
      ...this.answers(place, before, after),
    ];
  }

  private parameters(
    place: string,
    before: readonly ParameterObject[],
    after: readonly ParameterObject[],
  ): string[] {
    const named = (all: readonly ParameterObject[], { name, in: where }: ParameterObject) =>
      all.find((each) => each.name === name && each.in === where);
    return [
      ...before.flatMap((parameter) => {
        const now = named(after, parameter);
        const called = `${place}: the parameter ${parameter.name}`;
        if (now === undefined) return [`${called} is gone`];
        return [
          ...(now.required === true && parameter.required !== true ? [`${called} must be given now`] : []),
          ...this.schema(called, 'sent', parameter.schema ?? {}, now.schema ?? {}),
        ];
      }),
      ...after
        .filter((parameter) => parameter.required === true && named(before, parameter) === undefined)
        .map(({ name }) => `${place}: the new parameter ${name} must be given`),
    ];
  }

  private body(place: string, before: OperationObject, after: OperationObject): string[] {
    const [was, now] = [bodyOf(before), bodyOf(after)];
    const mustBe = after.requestBody?.required === true && before.requestBody?.required !== true;
    return [
      ...(mustBe ? [`${place}: the body must be given now`] : []),
      ...(was === undefined || now === undefined ? [] : this.schema(`${place}: the body`, 'sent', was, now)),
    ];
  }

  private answers(place: string, before: OperationObject, after: OperationObject): string[] {
    return Object.entries(before.responses).flatMap(([status, response]) => {
      const called = `${place}: the answer ${status}`;
      const isGood = Number(status) < 400;
      const now = after.responses[status];
      // An error that is never answered any more hurts nobody.
      if (now === undefined) return isGood ? [`${called} is gone`] : [];
      const [was, is] = [this.answered(this.before, response), this.answered(this.after, now)];
      if (was === undefined) return [];
      return is === undefined ? [`${called} has no body any more`] : this.schema(called, 'answered', was, is);
    });
  }

  private answered(document: OpenApiObject, response: object): Schema | undefined {
    const found = '$ref' in response ? resolved(document, String(response.$ref)) : response;
    const { content } = found as { content?: Record<string, { schema: Schema }> };
    return Object.values(content ?? {})[0]?.schema;
  }

  private schema(
    place: string,
    direction: Direction,
    from: JsonSchemaObject,
    to: JsonSchemaObject,
  ): string[] {
    const [before, after] = [this.deref(this.before, from), this.deref(this.after, to)];
    return [
      ...values(place, direction, before, after),
      ...(direction === 'sent' ? bounds(place, before, after) : []),
      ...this.properties(place, direction, before, after),
      ...(before.items === undefined || after.items === undefined
        ? []
        : this.schema(`${place}, each`, direction, before.items, after.items)),
    ];
  }

  private properties(place: string, direction: Direction, before: Schema, after: Schema): string[] {
    const [was, is] = [before.properties ?? {}, after.properties ?? {}];
    const [needed, needs] = [before.required ?? [], after.required ?? []];
    const changed = Object.keys(was).flatMap((name) => {
      const called = `${place}: ${name}`;
      const [old, now] = [was[name] ?? {}, is[name]];
      if (now !== undefined) return this.schema(called, direction, old, now);
      return direction === 'answered' || after.additionalProperties === false ? [`${called} is gone`] : [];
    });
    const more = needs.filter((name) => !needed.includes(name));
    const fewer = needed.filter((name) => !needs.includes(name) && is[name] !== undefined);
    return [
      ...changed,
      ...(direction === 'sent' ? more.map((name) => `${place}: ${name} must be given now`) : []),
      ...(direction === 'answered' ? fewer.map((name) => `${place}: ${name} may be missing now`) : []),
    ];
  }

  private deref(document: OpenApiObject, schema: JsonSchemaObject): Schema {
    const { $ref } = schema as Schema;
    return $ref === undefined ? schema : this.deref(document, resolved(document, $ref) as Schema);
  }
}

/** Types and listed values. */
function values(place: string, direction: Direction, before: Schema, after: Schema): string[] {
  // Whatever is answered must have been possible before; whatever was sent must be possible still.
  const [fewer, more] = direction === 'answered' ? [after, before] : [before, after];
  const types = typesOf(fewer).filter((type) => !allows(typesOf(more), type));
  const listed = (fewer.enum ?? []).filter(
    (value) => more.enum?.some((other) => isDeepStrictEqual(value, other)) === false,
  );
  const opened = fewer.enum === undefined && more.enum !== undefined;
  const how = direction === 'answered' ? 'may be' : 'may no longer be';
  return [
    ...(types.length === 0 && (typesOf(fewer).length > 0 || typesOf(more).length === 0)
      ? []
      : [`${place} ${how} ${types.join(' or ') || 'of any type'}`]),
    ...listed.map((value) => `${place} ${how} ${JSON.stringify(value)}`),
    ...(opened
      ? [`${place} ${how} other than ${more.enum?.map((value) => JSON.stringify(value)).join(', ')}`]
      : []),
  ];
}

function typesOf({ type }: Schema): string[] {
  return type === undefined ? [] : ([type].flat() as string[]);
}

function allows(types: readonly string[], type: string): boolean {
  return types.length === 0 || types.includes(type) || (type === 'integer' && types.includes('number'));
}

/** Of what is sent: how long, how large, how many, of which form. */
function bounds(place: string, before: Schema, after: Schema): string[] {
  const number = (schema: Schema, name: string, without: number) =>
    (schema[name] as number | undefined) ?? without;
  return [
    ...LOWER_BOUNDS.filter((name) => number(after, name, -Infinity) > number(before, name, -Infinity)),
    ...UPPER_BOUNDS.filter((name) => number(after, name, Infinity) < number(before, name, Infinity)),
    ...['pattern', 'format', 'uniqueItems'].filter(
      (name) => after[name] !== undefined && after[name] !== false && after[name] !== before[name],
    ),
  ].map((name) => `${place} has another ${name}: ${String(after[name])}`);
}

function bodyOf({ requestBody }: OperationObject): Schema | undefined {
  return Object.values(requestBody?.content ?? {})[0]?.schema;
}

function resolved(document: OpenApiObject, ref: string): object {
  return ref
    .replace('#/', '')
    .split('/')
    .reduce((at: object, name) => (at as Record<string, object>)[name] ?? {}, document);
}
