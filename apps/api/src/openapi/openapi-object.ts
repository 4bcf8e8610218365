/** The parts of an OpenAPI 3.1 document that are put together here. */
export type JsonSchemaObject = Readonly<Record<string, unknown>>;

/** One of `components`. */
export interface ReferenceObject {
  $ref: string;
}

export interface HeaderObject {
  description: string;
  schema: JsonSchemaObject;
}

export interface ParameterObject {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  description?: string;
  schema?: JsonSchemaObject;
  example?: unknown;
}

export interface ContentObject {
  [contentType: string]: {
    schema: JsonSchemaObject;
    example?: unknown;
    examples?: Readonly<Record<string, { value: unknown }>>;
  };
}

export interface ResponseObject {
  description: string;
  headers?: Readonly<Record<string, HeaderObject | ReferenceObject>>;
  content?: ContentObject;
}

export interface OperationObject {
  operationId?: string;
  summary?: string;
  description?: string;
  tags?: string[];
  security?: readonly Readonly<Record<string, readonly string[]>>[];
  parameters?: ParameterObject[];
  requestBody?: { required?: boolean; content: ContentObject };
  responses: Readonly<Record<string, ResponseObject | ReferenceObject>>;
}

export type PathsObject = Record<string, Record<string, OperationObject>>;

export interface OpenApiObject {
  openapi: string;
  info: { title: string; version: string; description: string };
  servers?: readonly { url: string }[];
  tags?: readonly { name: string; description: string }[];
  security?: readonly Readonly<Record<string, readonly string[]>>[];
  paths: PathsObject;
  components: {
    schemas: Record<string, JsonSchemaObject>;
    securitySchemes: Record<string, JsonSchemaObject>;
    headers?: Record<string, HeaderObject>;
    responses?: Record<string, ResponseObject>;
  };
}
