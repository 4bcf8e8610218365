import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { FieldProblem } from '#libs/contracts';

/** A JSON value as the documents of a collection hold it. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A JSON Schema (2020-12). */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A JSON Schema of objects, with every property in it. */
export interface ObjectSchema extends JsonSchema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
}

/** What is wrong with a value, by field; empty where nothing is. */
export type SchemaCheck = (value: unknown) => FieldProblem[];

/** Most mistakes of one value that are told. */
const PROBLEMS_MAX = 20;
/** Most characters of an unknown property's name that are told. */
const NAME_LENGTH_MAX = 100;

/** Compiles a schema. Throws where it is none. */
export function schemaCheck(schema: JsonSchema): SchemaCheck {
  const validate = compiled(schema);
  return (value) => {
    if (validate(value)) return [];
    const problems = (validate.errors ?? []).map(problemOf);
    const told = new Set<string>();
    return problems
      .filter(({ field, message }) => {
        const line = `${field} ${message}`;
        return told.has(line) ? false : told.add(line);
      })
      .slice(0, PROBLEMS_MAX);
  };
}

/** What keeps a schema from being compiled, to complete "schema …"; undefined where nothing does. */
export function schemaProblem(schema: unknown): string | undefined {
  try {
    compiled(schema as JsonSchema);
    return undefined;
  } catch (error) {
    return `is no JSON Schema (${(error as Error).message})`;
  }
}

function compiled(schema: JsonSchema): ValidateFunction {
  // Each has an instance of its own: two schemas of one instance may not have the same $id.
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, strictRequired: false });
  addFormats.default(ajv);
  return ajv.compile(schema);
}

function problemOf({ instancePath, keyword, params, message = 'is not valid' }: ErrorObject): FieldProblem {
  const path = instancePath.split('/').slice(1).map(unescaped);
  if (keyword === 'required') {
    return { field: [...path, String(params['missingProperty'])].join('.'), message: 'must be given' };
  }
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties') {
    const name = params['additionalProperty'] ?? params['unevaluatedProperty'];
    return { field: [...path, shortened(String(name))].join('.'), message: 'is unknown' };
  }
  const field = path.join('.') || 'body';
  if (keyword === 'enum') {
    const values = (params['allowedValues'] as unknown[]).map((value) => JSON.stringify(value));
    return { field, message: `must be one of ${values.join(', ')}` };
  }
  return { field, message };
}

/** A name that a client made up. */
function shortened(name: string): string {
  return name.length > NAME_LENGTH_MAX ? `${name.slice(0, NAME_LENGTH_MAX)}…` : name;
}

/** Of a JSON pointer (RFC 6901). */
function unescaped(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}
