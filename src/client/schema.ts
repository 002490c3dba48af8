/**
 * Schemas as callers have them: plain JSON Schema, or an object of a schema library. Libraries are known by the Standard Schema
 * interface (https://standardschema.dev) and not by name, so that none has to be a dependency.
 */
import { OpenAIError } from 'openai';
import type { SchemaFault } from './errors.ts';

export type JsonSchema = { readonly [keyword: string]: unknown };

/** zod 4, Valibot, ArkType, … What is not named here is of no interest. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Checked<Output> | Promise<Checked<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
    /** Standard JSON Schema: libraries that can write themselves down as one. */
    readonly jsonSchema?: { readonly input: (options: { readonly target: string }) => JsonSchema } | undefined;
  };
}

type Checked<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly Issue[] };

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

export type SchemaOutput<Schema> =
  Schema extends StandardSchema<infer Output> ? Output : Schema extends JsonSchema ? FromJsonSchema<Schema> : unknown;

/** The type of what fits a JSON Schema that is written out in the program. What is not understood is `unknown`, never a guess. */
export type FromJsonSchema<Schema> = Schema extends { readonly const: infer Value }
  ? Value
  : Schema extends { readonly enum: readonly (infer Value)[] }
    ? Value
    : Schema extends { readonly anyOf: readonly (infer Option)[] }
      ? FromJsonSchema<Option>
      : Schema extends { readonly type: readonly (infer Name)[] }
        ? Name extends string
          ? OfType<Name, Schema>
          : unknown
        : Schema extends { readonly type: infer Name }
          ? OfType<Name, Schema>
          : unknown;

type OfType<Name, Schema> = Name extends 'string'
  ? string
  : Name extends 'number' | 'integer'
    ? number
    : Name extends 'boolean'
      ? boolean
      : Name extends 'null'
        ? null
        : Name extends 'array'
          ? Schema extends { readonly items: infer Item }
            ? FromJsonSchema<Item>[]
            : unknown[]
          : Name extends 'object'
            ? OfObject<Schema>
            : unknown;

type OfObject<Schema> = Schema extends { readonly properties: infer Properties }
  ? Flat<
      {
        [Name in keyof Properties as Name extends Required<Schema> ? Name : never]: FromJsonSchema<Properties[Name]>;
      } & {
        [Name in keyof Properties as Name extends Required<Schema> ? never : Name]?: FromJsonSchema<Properties[Name]>;
      }
    >
  : Record<string, unknown>;

type Required<Schema> = Schema extends { readonly required: readonly (infer Name)[] } ? Name : never;
type Flat<T> = { -readonly [Name in keyof T]: T[Name] };

export function isStandard(schema: object): schema is StandardSchema {
  return '~standard' in schema;
}

/** What the model is to keep to: what goes *into* the schema; defaults and transformations are applied to its answer. */
export function toJsonSchema(schema: StandardSchema | JsonSchema): JsonSchema {
  // ArkType's schemas are functions.
  if (!isStandard(schema)) return schema;
  const { vendor, jsonSchema } = schema['~standard'];
  if (jsonSchema !== undefined) return closed(jsonSchema.input({ target: 'draft-2020-12' })) as JsonSchema;
  throw new OpenAIError(
    `This ${vendor} schema cannot say what it is as JSON Schema: pass that as "jsonSchema" beside it (of zod: z.toJSONSchema(schema)).`,
  );
}

/** Where subschemas stand that may be closed one by one. Not `allOf`: what is in one of its parts is foreign to the others. */
const LISTS = ['anyOf', 'oneOf', 'prefixItems'];
const MAPS = ['properties', '$defs'];

/**
 * Objects that take further properties without naming them, because the library drops these, are written down without them: only so
 * does a deployment enforce the schema by itself.
 */
function closed(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).map(([keyword, value]: [string, unknown]) => {
    if (keyword === 'items') return [keyword, closed(value)];
    if (LISTS.includes(keyword) && Array.isArray(value)) return [keyword, value.map(closed)];
    if (MAPS.includes(keyword)) return [keyword, mapped(value as object)];
    return [keyword, value];
  });
  const isOpen = 'properties' in schema && !('additionalProperties' in schema) && !('allOf' in schema);
  return { ...Object.fromEntries(entries), ...(isOpen ? { additionalProperties: false } : {}) };
}

function mapped(schemas: object): object {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, closed(schema)]));
}

export type Verdict<Output> =
  | { readonly ok: true; readonly value: Output }
  | { readonly ok: false; readonly faults: readonly SchemaFault[] };

/** The router has checked the answer against the JSON Schema; refinements, defaults and transformations only the library knows. */
export async function check<Output>(schema: StandardSchema<Output>, data: unknown): Promise<Verdict<Output>> {
  const checked = await schema['~standard'].validate(data);
  if (checked.issues === undefined) return { ok: true, value: checked.value };
  return { ok: false, faults: checked.issues.map((issue) => toFault(issue, data)) };
}

function toFault({ message, path = [] }: Issue, data: unknown): SchemaFault {
  const keys = path.map((step) => String(typeof step === 'object' ? step.key : step));
  const pointer = keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  return { path: pointer, found: shown(valueAt(data, keys)), allowed: message };
}

function valueAt(data: unknown, keys: readonly string[]): unknown {
  return keys.reduce((at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined), data);
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 120);
}
