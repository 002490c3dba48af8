/** What callers may send, as data, and reading it: every fault at once. */
import { dereference } from '@cfworker/json-schema';
import { RouterError } from '../domain/errors.ts';
import type { Effort } from '../models/capabilities.ts';
import { Checker, type Schema, shown } from './check.ts';
import type { Mismatch } from './port.ts';

export type Message = Readonly<Record<string, unknown>> & { readonly role: string };

export interface TextOrder {
  readonly messages: readonly Message[];
  readonly model: string;
  readonly maxTokens: number | null;
  readonly temperature: number | null;
  readonly reasoningEffort: Effort | null;
}

export interface StructuredOrder extends TextOrder {
  readonly schema: Schema;
  readonly name: string;
  /** `null`: as the schema permits. */
  readonly strict: boolean | null;
}

export const DEFAULT_MODEL = 'auto';
const DEFAULT_NAME = 'answer';

const some = { type: 'integer', minimum: 0 };
const schema = { $ref: '#/$defs/schema' };
const schemas = { type: 'array', minItems: 1, items: schema };
const named = { type: 'object', additionalProperties: schema };
const names = { type: 'array', items: { type: 'string' } };
const kind = { enum: ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] };

/** What is a JSON Schema, of whichever draft; keywords that it does not know are left alone, as the drafts want it. */
const SCHEMA_FORM = {
  type: ['object', 'boolean'],
  properties: {
    $ref: { type: 'string' },
    $id: { type: 'string' },
    $schema: { type: 'string' },
    $anchor: { type: 'string' },
    // The validator does not follow these: what stands behind would go unchecked.
    $dynamicRef: false,
    $defs: named,
    definitions: named,
    type: { anyOf: [kind, { type: 'array', minItems: 1, items: kind }] },
    enum: { type: 'array', minItems: 1 },
    allOf: schemas,
    anyOf: schemas,
    oneOf: schemas,
    not: schema,
    if: schema,
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: schema,
    else: schema,
    properties: named,
    patternProperties: { ...named, propertyNames: { format: 'regex' } },
    additionalProperties: schema,
    unevaluatedProperties: schema,
    propertyNames: schema,
    required: names,
    dependentRequired: { type: 'object', additionalProperties: names },
    dependentSchemas: named,
    minProperties: some,
    maxProperties: some,
    // A list of them in older drafts.
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    items: { if: { type: 'array' }, then: { items: schema }, else: schema },
    prefixItems: schemas,
    additionalItems: schema,
    unevaluatedItems: schema,
    contains: schema,
    minContains: some,
    maxContains: some,
    minItems: some,
    maxItems: some,
    uniqueItems: { type: 'boolean' },
    multipleOf: { type: 'number', exclusiveMinimum: 0 },
    minimum: { type: 'number' },
    maximum: { type: 'number' },
    exclusiveMinimum: { type: ['number', 'boolean'] },
    exclusiveMaximum: { type: ['number', 'boolean'] },
    minLength: some,
    maxLength: some,
    pattern: { type: 'string', format: 'regex' },
    format: { type: 'string' },
    title: { type: 'string' },
    description: { type: 'string' },
  },
};

const EFFORTS: readonly Effort[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh'];

const TEXT_FIELDS = {
  prompt: { type: 'string', minLength: 1 },
  messages: {
    type: 'array',
    minItems: 1,
    items: {
      type: 'object',
      required: ['role'],
      properties: { role: { enum: ['system', 'developer', 'user', 'assistant', 'tool'] } },
    },
  },
  system: { type: 'string' },
  model: { type: 'string', minLength: 1 },
  maxTokens: { type: 'integer', minimum: 1 },
  temperature: { type: 'number', minimum: 0, maximum: 2 },
  reasoningEffort: { enum: EFFORTS },
  stream: { type: 'boolean' },
};

const FORMS = {
  text: { type: 'object', properties: TEXT_FIELDS, additionalProperties: false },
  structured: {
    type: 'object',
    properties: {
      ...TEXT_FIELDS,
      schema,
      name: { type: 'string', pattern: '^[\\w-]{1,64}$' },
      strict: { type: 'boolean' },
    },
    required: ['schema'],
    additionalProperties: false,
    $defs: { schema: SCHEMA_FORM },
  },
} as const;

const CHECKERS = { text: new Checker(FORMS.text), structured: new Checker(FORMS.structured) };

/** A body that is not what it should be, with all that is wrong. */
export class BadOrder extends Error {
  override readonly name = 'BadOrder';
  readonly error: RouterError;
  readonly faults: readonly Mismatch[];

  constructor(faults: readonly Mismatch[]) {
    super('The order has faults.');
    const told = faults.map(
      ({ path, found, allowed }) => `${path === '' ? 'the body' : path} is ${found}; allowed: ${allowed}`,
    );
    this.error = new RouterError('invalid_request', `${told.join('. ')}.`, { param: paramOf(faults) });
    this.faults = faults;
  }
}

function paramOf([first]: readonly Mismatch[]): string | null {
  return first?.path.split('/')[1] ?? null;
}

interface Body extends Readonly<Record<string, unknown>> {
  readonly prompt?: string;
  readonly messages?: readonly Message[];
  readonly system?: string;
  readonly model?: string;
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly reasoningEffort?: Effort;
  readonly schema: Schema;
  readonly name?: string;
  readonly strict?: boolean;
}

export function readText(json: unknown): TextOrder {
  const body = json as Body;
  refuse([...CHECKERS.text.mismatches(json), ...together(body)]);
  return textOrder(body);
}

export function readStructured(json: unknown): StructuredOrder {
  const body = json as Body;
  const faults = [...CHECKERS.structured.mismatches(json), ...together(body)];
  refuse(faults.some(({ path }) => path.startsWith('/schema')) ? faults : [...faults, ...loose(body.schema)]);
  return { ...textOrder(body), schema: body.schema, name: body.name ?? DEFAULT_NAME, strict: body.strict ?? null };
}

function refuse(faults: readonly Mismatch[]): void {
  if (faults.length > 0) throw new BadOrder(faults);
}

/** What no single field can be blamed for. */
function together(body: Readonly<Record<string, unknown>>): Mismatch[] {
  const faults: Mismatch[] = [];
  const { prompt, messages, stream } = body;
  if (prompt === undefined && messages === undefined)
    faults.push({ path: '/prompt', found: 'nothing', allowed: 'a string, or "messages" instead' });
  if (prompt !== undefined && messages !== undefined)
    faults.push({ path: '/prompt', found: 'a prompt beside "messages"', allowed: 'one of the two' });
  if (stream === true)
    faults.push({ path: '/stream', found: 'true', allowed: 'false: for streams there is /v1/chat/completions' });
  return faults;
}

function textOrder({ prompt, messages, system, ...body }: Body): TextOrder {
  const said = messages ?? [{ role: 'user', content: prompt }];
  return {
    messages: system === undefined ? said : [{ role: 'system', content: system }, ...said],
    model: body.model ?? DEFAULT_MODEL,
    maxTokens: body.maxTokens ?? null,
    temperature: body.temperature ?? null,
    reasoningEffort: body.reasoningEffort ?? null,
  };
}

/** References that lead nowhere. */
function loose(schema: Schema): Mismatch[] {
  try {
    const parts = dereference(structuredClone(schema));
    return Object.entries(parts).flatMap(([uri, part]) => {
      if (typeof part !== 'object' || part.$ref === undefined) return [];
      if (parts[part.__absolute_ref__ ?? part.$ref] !== undefined) return [];
      const pointer = decodeURIComponent(/#(.*)$/.exec(uri)?.[1] ?? '');
      return [
        { path: `/schema${pointer}/$ref`, found: shown(part.$ref), allowed: 'a reference to a part of this schema' },
      ];
    });
  } catch {
    // Two parts of one name, or a name that is no URI.
    return [{ path: '/schema', found: 'names ($id, $anchor) that cannot be told apart', allowed: 'names that differ' }];
  }
}
