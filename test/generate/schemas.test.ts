/** Many schemas, and models that keep to them or do not. What comes out is judged by another validator than the router's. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isStrict } from '../../src/generate/parameters.ts';
import { jsonForSchema } from '../../src/simulator/schema-value.ts';
import { drawFrom } from '../../src/simulator/seeded.ts';
import { fleet, startRouter } from '../harness/router.ts';
import { startSimulated } from '../harness/simulated.ts';
import { type Script, startUpstream } from '../harness/upstream.ts';
import { generate, says } from './scripted.ts';

type JsonSchema = Record<string, unknown>;

const leaf: fc.Arbitrary<JsonSchema> = fc.oneof(
  fc.constant({ type: 'string' }),
  fc.constant({ type: 'string', minLength: 2, maxLength: 9 }),
  fc.constant({ type: 'string', pattern: '^[A-Z]{2}\\d{3}$' }),
  fc.constant({ type: 'string', format: 'date' }),
  fc.record({ type: fc.constant('integer'), minimum: fc.integer({ min: -50, max: 50 }) }),
  fc.record({ type: fc.constant('number'), maximum: fc.integer({ min: 0, max: 50 }) }),
  fc.constant({ type: 'boolean' }),
  fc.constant({ type: ['string', 'null'] }),
  fc.uniqueArray(fc.constantFrom('low', 'mid', 'high', 'none'), { minLength: 1 }).map((values) => ({ enum: values })),
);

const names = fc.constantFrom('code', 'kind', 'a/b', 'größe', 'x~y', 'toString', 'note', 'id');

function objectOf(inner: fc.Arbitrary<JsonSchema>, isClosed: fc.Arbitrary<boolean>): fc.Arbitrary<JsonSchema> {
  const properties = fc.dictionary(names, inner, { minKeys: 1, maxKeys: 4, noNullPrototype: true });
  return fc.tuple(properties, isClosed, fc.boolean()).map(([made, closed, all]) => ({
    type: 'object',
    properties: made,
    required: Object.keys(made).slice(0, all || closed ? undefined : 1),
    ...(closed ? { additionalProperties: false } : {}),
  }));
}

const schema: fc.Arbitrary<JsonSchema> = fc
  .letrec<{ value: JsonSchema; list: JsonSchema; choice: JsonSchema }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      leaf,
      tie('list'),
      tie('choice'),
      objectOf(leaf, fc.boolean()),
    ),
    list: tie('value').map((items) => ({ type: 'array', items, minItems: 1, maxItems: 3 })),
    choice: fc.tuple(leaf, leaf).map((anyOf) => ({ anyOf })),
  }))
  .value.chain((inner) => objectOf(fc.oneof(leaf, fc.constant(inner)), fc.boolean()));

function isValid(wanted: JsonSchema, value: unknown): boolean {
  return z.fromJSONSchema(wanted).safeParse(value).success;
}

/** What models do wrong. */
const damage: fc.Arbitrary<(text: string) => string> = fc.constantFrom<((text: string) => string)[]>(
  (text) => text,
  (text) => text.slice(0, -1),
  (text) => `Here it is:\n\`\`\`json\n${text}\n\`\`\`\nAnything else?`,
  () => 'I would rather talk about something else.',
  (text) => `${text}\n${text}`,
  (text) => JSON.stringify({ answer: JSON.parse(text) as unknown }),
  (text) => JSON.stringify({ ...(JSON.parse(text) as object), surplus: [1] }),
  (text) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text) as object).slice(1))),
  (text) =>
    JSON.stringify(Object.fromEntries(Object.keys(JSON.parse(text) as object).map((name) => [name, { wrong: [] }]))),
  () => '[]',
  () => 'null',
);

describe('200 schemas', () => {
  it('come back filled in from a model that keeps to them', async () => {
    await using sim = await startSimulated();
    let strict = 0;
    await fc.assert(
      fc.asyncProperty(schema, fc.nat(1_000_000), async (wanted, salt) => {
        strict += isStrict(wanted) ? 1 : 0;
        const { status, json } = await generate(sim.url, {
          prompt: `Fill in ${salt}.`,
          schema: wanted,
          model: 'gpt-4.1',
        });
        expect([status, json['repaired']]).toEqual([200, false]);
        expect(isValid(wanted, json['data'])).toBe(true);
      }),
      { numRuns: 200 },
    );
    expect(strict).toBeGreaterThan(5);
  }, 60_000);

  it('come back right, repaired or refused from a model that does not, and never silently wrong', async () => {
    const waiting: Script[] = [];
    await using a = await startUpstream((request, response) =>
      (waiting.shift() ?? says('too much asked'))(request, response),
    );
    await using router = await startRouter(fleet([a.url], { cache: { maxMb: 0 } }));
    const seen = { first: 0, repaired: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(schema, fc.tuple(damage, damage), fc.nat(1_000_000), async (wanted, [first, second], seed) => {
        const right = jsonForSchema(wanted as Parameters<typeof jsonForSchema>[0], drawFrom(seed));
        waiting.splice(0, waiting.length, says(first(right)), says(second(right)));
        const before = a.received.length;
        const { status, json, error } = await generate(router.url, { prompt: 'x', schema: wanted });
        const calls = a.received.length - before;
        if (status === 200) {
          expect(isValid(wanted, json['data'])).toBe(true);
          expect(json['repaired']).toBe(calls === 2);
          seen[calls === 1 ? 'first' : 'repaired'] += 1;
        } else {
          expect([status, calls, error['raw']]).toEqual([422, 2, second(right)]);
          expect((error['faults'] as object[]).length).toBeGreaterThan(0);
          seen.refused += 1;
        }
        const text = first(right);
        if (isBareJson(text)) expect(calls === 1).toBe(isValid(wanted, JSON.parse(text)));
      }),
      { numRuns: 200 },
    );
    for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(10);
  }, 60_000);
});

function isBareJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
