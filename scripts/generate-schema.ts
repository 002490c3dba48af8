/** Writes `router.schema.json`, the form that editors check a `router.json` against. `npm run generate` runs it. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';
import { routerDocument } from '../src/config/schema.ts';

export const SCHEMA_FILE = fileURLToPath(new URL('../router.schema.json', import.meta.url));

export type JsonSchema = z.core.JSONSchema.JSONSchema;

export function routerSchema(): JsonSchema {
  const { $schema, ...schema } = z.toJSONSchema(routerDocument, { io: 'input', target: 'draft-2020-12' });
  // The two `allow…` are how VS Code learns that the file may hold comments.
  const own = { $schema, title: 'router.json', allowComments: true, allowTrailingCommas: true };
  return { ...own, ...schema } as JsonSchema;
}

export function generateSchema(): string {
  return `${JSON.stringify(routerSchema(), null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(SCHEMA_FILE, generateSchema());
