/** Writes `docs/configuration.md` from the same source as `router.schema.json`. `npm run generate` runs it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXAMPLE, GUIDE } from './config-guide.ts';
import { type JsonSchema, routerSchema } from './generate-schema.ts';

export const REFERENCE_FILE = fileURLToPath(new URL('../docs/configuration.md', import.meta.url));

interface Row {
  readonly path: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
}

function asSchema(schema: unknown): JsonSchema {
  return typeof schema === 'object' && schema !== null ? (schema as JsonSchema) : {};
}

/** The schema of a map's values; `null` for anything that is no map. */
function mapValue(schema: JsonSchema): JsonSchema | null {
  return schema.propertyNames === undefined ? null : asSchema(schema.additionalProperties);
}

/** What a person calls one entry of the map at `path`. */
const KEY_NAMES: Readonly<Record<string, string>> = {
  endpoints: 'endpoint',
  deployments: 'deployment',
  pools: 'pool',
  homes: 'agent',
  plans: 'plan',
  accounts: 'account',
  models: 'model',
};

function rowsOf(path: string, schema: JsonSchema, required: boolean): Row[] {
  const rows: Row[] = [{ path, schema, required }];
  const value = mapValue(schema);
  if (value !== null) {
    const key = KEY_NAMES[path.slice(path.lastIndexOf('.') + 1)] ?? 'name';
    return [...rows, ...rowsOf(`${path}.<${key}>`, value, false)];
  }
  const item =
    schema.items === undefined ? [] : [asSchema(schema.items), ...(asSchema(schema.items).anyOf ?? []).map(asSchema)];
  for (const inner of item) rows.push(...propertyRows(`${path}[]`, inner));
  return [...rows, ...propertyRows(path, schema)];
}

function propertyRows(path: string, schema: JsonSchema): Row[] {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) =>
    rowsOf(`${path}.${key}`, asSchema(inner), required.has(key)),
  );
}

function typeOf(schema: JsonSchema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map((branch) => typeOf(asSchema(branch))).join(', or ');
  const values = schema.enum ?? (schema.const === undefined ? null : [schema.const]);
  if (values !== null) return values.map((value) => `\`${String(value)}\``).join(' ');
  if (mapValue(schema) !== null) return 'map';
  if (schema.type === 'array') return `list of ${typeOf(asSchema(schema.items))}`;
  if (Array.isArray(schema.type))
    return [rangeOf(schema), ...schema.type.filter((type) => type === 'null')].join(' or ');
  return schema.type === 'integer' || schema.type === 'number'
    ? rangeOf(schema)
    : ({ string: 'text', boolean: 'true or false', object: 'object', null: '`null`' }[schema.type as string] ?? 'any');
}

function rangeOf({ type, minimum, maximum }: JsonSchema): string {
  const kind = JSON.stringify(type).includes('integer') ? 'whole number' : 'number';
  // The largest safe integer and the like say no more than "no limit".
  const upper = maximum === undefined || maximum > 1e11 ? ' or more' : ` to ${maximum}`;
  return minimum === undefined ? kind : `${kind}, ${minimum}${upper}`;
}

function defaultOf({ schema, required }: Row): string {
  if (schema.default !== undefined && JSON.stringify(schema.default) !== '{}')
    return `\`${JSON.stringify(schema.default)}\``;
  return required ? 'required' : '';
}

function rowText(row: Row): string {
  const cells = [`\`${row.path}\``, typeOf(row.schema), defaultOf(row), row.schema.description ?? ''];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}

const HEAD = '| setting | type | default | meaning |\n| --- | --- | --- | --- |';

function sections(): string {
  const properties = Object.entries(routerSchema().properties ?? {}).map(([key, schema]) =>
    rowsOf(key, asSchema(schema), false),
  );
  const single = properties.filter((rows) => rows.length === 1).flat();
  const grouped = properties.filter((rows) => rows.length > 1);
  const parts = grouped.map(([head, ...rows]) => {
    const { path, schema } = head as Row;
    return `### \`${path}\`\n\n${schema.description ?? ''}\n\n${HEAD}\n${rows.map(rowText).join('\n')}`;
  });
  return [`### Top level\n\n${HEAD}\n${single.map(rowText).join('\n')}`, ...parts].join('\n\n');
}

export function generateReference(): string {
  const example = `## Example\n\n\`\`\`jsonc\n${EXAMPLE.trim()}\n\`\`\``;
  const parts = [
    '# Configuration',
    '<!-- Written by scripts/generate-config-reference.ts; do not edit. -->',
    GUIDE.trim(),
    example,
    '## Every setting',
    sections(),
  ];
  return `${parts.join('\n\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(dirname(REFERENCE_FILE), { recursive: true });
  writeFileSync(REFERENCE_FILE, generateReference());
}
