/**
 * The folder's role: text (a `router.json`, or environment variables) becomes the trusted values of `domain/config.ts`, or a
 * complete list of faults. Nothing here reads files or `process.env`; `load.ts` is the way in.
 *
 * This file: the kinds of setting there are. The message of every check says what is allowed, since a fault needs just that;
 * `faults.ts` and `shape.ts` write the sentences around it.
 *
 * `zod/mini` and not `zod`, as this runs on every cold start. Bundled and minified, whole process, median of 40 on Node 24:
 * empty script 38 ms, with `zod/mini` 42 ms (16 kB), with `zod` 71 ms (443 kB).
 */
import * as z from 'zod/mini';

export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

export function wholeNumber(range: NumberRange, about: string) {
  const allowed = `a whole number from ${range.min} to ${range.max}`;
  return z.int(allowed).check(z.gte(range.min, allowed), z.lte(range.max, allowed), z.describe(about));
}

export function decimal(range: NumberRange, about: string) {
  const allowed = `a number from ${range.min} to ${range.max}`;
  return z.number(allowed).check(z.gte(range.min, allowed), z.lte(range.max, allowed), z.describe(about));
}

export function flag(about: string) {
  return z.boolean('true or false').check(z.describe(about));
}

export function oneOf<const Values extends readonly string[]>(values: Values, about: string) {
  return z.enum(values, listed(values)).check(z.describe(about));
}

export function listed(values: readonly string[]): string {
  return values.map((value) => `"${value}"`).join(', ');
}

/** Words for people and other systems: anything but control characters. */
const TEXT = /^[^\u0000-\u001f\u007f]{1,256}$/;

export function text(about: string, ...examples: readonly string[]) {
  const allowed = 'text of 1 to 256 characters, without control characters';
  const schema = z.string(allowed).check(z.regex(TEXT, allowed), z.describe(about));
  return examples.length === 0 ? schema : schema.check(z.meta({ description: about, examples: [...examples] }));
}

/** Keys of the maps whose names come from people: agents, accounts, plans. */
export const freeName = z.string().check(z.regex(TEXT, 'a name of 1 to 256 characters, without control characters'));

/** These names stand in paths, headers, table keys and deployment ids; `/` parts an endpoint from its deployment. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._:@+-]{0,127}$/;
const NAME_ALLOWED = 'a name of letters, digits and . _ : @ + - (no "/"), at most 128 characters';
export const name = z.string(NAME_ALLOWED).check(z.regex(NAME, NAME_ALLOWED));

const ID = /^[A-Za-z0-9_][A-Za-z0-9._:@+-]{0,127}\/[A-Za-z0-9_][A-Za-z0-9._:@+-]{0,127}$/;
export const ID_ALLOWED =
  'a deployment id: the name of an endpoint, "/", the name of one of its deployments, such as "A/gpt-4.1"';

export function deploymentReference(about: string) {
  return z.string(ID_ALLOWED).check(z.meta({ description: about, examples: ['A/gpt-4.1'] }));
}

/** Whether `id` could be a deployment id at all. Checked with the references, where a bare name gets its suggestion. */
export function isDeploymentId(id: string): boolean {
  return ID.test(id);
}

/** An object of known settings. Its message is the list of their names, which `shape.ts` reads back for its suggestions. */
export function section<Shape extends z.core.$ZodLooseShape>(shape: Shape, about: string) {
  return z.strictObject(shape, Object.keys(shape).join(', ')).check(z.describe(about));
}

/** A section that may be left out: every setting in it then has its default. */
export function optionalSection<Shape extends z.core.$ZodLooseShape>(shape: Shape, about: string) {
  return z.prefault(section(shape, about), {} as never);
}

export function mapOf<Key extends z.core.$ZodRecordKey, Value extends z.core.SomeType>(
  key: Key,
  value: Value,
  about: string,
) {
  return z.record(key, value, 'an object').check(z.describe(about));
}

export function listOf<Item extends z.core.SomeType>(item: Item, about: string) {
  const allowed = 'a list with at least one entry';
  return z.array(item, allowed).check(z.minLength(1, allowed), z.describe(about));
}
