import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { generateReference, REFERENCE_FILE } from '../../scripts/generate-config-reference.ts';
import { generateSchema, type JsonSchema, routerSchema, SCHEMA_FILE } from '../../scripts/generate-schema.ts';

function objectsIn(schema: unknown, path = ''): [string, JsonSchema][] {
  if (typeof schema !== 'object' || schema === null) return [];
  const inner = Object.entries(schema).flatMap(([key, value]) => objectsIn(value, `${path}/${key}`));
  return 'properties' in schema && 'type' in schema ? [[path, schema as JsonSchema], ...inner] : inner;
}

describe('the files generated from the form', () => {
  test.each([
    ['router.schema.json', SCHEMA_FILE, generateSchema],
    ['docs/configuration.md', REFERENCE_FILE, generateReference],
  ])('%s is what its generator would write', (_, file, generate) => {
    expect(readFileSync(file, 'utf8')).toBe(generate());
  });

  test('the schema rejects unknown settings everywhere, and describes every setting', () => {
    const objects = objectsIn(routerSchema());
    expect(objects.length).toBeGreaterThan(15);
    for (const [path, object] of objects) {
      expect(object.additionalProperties, path).toBe(false);
      for (const [name, setting] of Object.entries(object.properties ?? {})) {
        expect((setting as JsonSchema).description, `${path} ${name}`).toBeTruthy();
      }
    }
  });

  test('the schema is of the draft that says so, and has defaults and examples', () => {
    const schema = routerSchema();
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(schema.properties?.['timeouts']).toMatchObject({
      properties: { deadlineMs: { default: 200_000, maximum: 225_000 } },
    });
    expect(JSON.stringify(schema)).toContain('"examples":["${AZURE_OPENAI_API_KEY}"]');
  });
});
