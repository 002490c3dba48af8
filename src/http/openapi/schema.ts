/** The description of the router's HTTP interface (OpenAPI 3.1), as data. Schemas are exact: a member that is not named is none. */

/** JSON Schema 2020-12. */
export type Schema = Readonly<Record<string, unknown>>;
type Members = Readonly<Record<string, Schema>>;

export const text: Schema = { type: 'string' };
export const flag: Schema = { type: 'boolean' };
export const count: Schema = { type: 'integer', minimum: 0 };
export const amount: Schema = { type: 'number', minimum: 0 };
export const instant: Schema = { type: 'string', format: 'date-time' };
export const usd: Schema = { type: 'number', minimum: 0, description: 'US dollars, to the billionth' };
export const anything: Schema = {};

/** All members are there but for those named as optional. */
export function object(members: Members, optional: Members = {}): Schema {
  return {
    type: 'object',
    properties: { ...members, ...optional },
    required: Object.keys(members),
    additionalProperties: false,
  };
}

export function list(items: Schema): Schema {
  return { type: 'array', items };
}

/** As lists are answered. */
export function items(schema: Schema): Schema {
  return object({ items: list(schema) });
}

export function oneOf(values: readonly string[]): Schema {
  return { type: 'string', enum: values };
}

export function nullable(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] };
}

export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

export function told(schema: Schema, description: string): Schema {
  return { ...schema, description };
}
