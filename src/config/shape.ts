/** Checks a document against its form, and goes on with the parts that pass, so that all faults come in one go. */
import type * as z from 'zod/mini';
import { nearMiss } from '../domain/nearest.ts';
import type { Complaint, Path, Report } from './faults.ts';
import { type Draft, routerDocument } from './schema.ts';

type Issue = z.core.$ZodIssue;

/** The parts of the document that have the right shape; `null` where it is no object at all. */
export function checkShape(document: unknown, report: Report): Draft | null {
  const parsed = routerDocument.safeParse(document);
  if (parsed.success) return document as Draft;
  const draft: unknown = structuredClone(document);
  for (const issue of parsed.error.issues.flatMap((outer) => unfold(outer, []))) {
    for (const complaint of toComplaints(issue, document)) report.fault(complaint);
    prune(draft, issue);
  }
  return isObject(draft) ? draft : null;
}

/** A union's issue as the issues of the one branch that was meant, where that can be told by its kind (text, list, object). */
function unfold(issue: Issue, prefix: Path): Issue[] {
  const path = [...prefix, ...issue.path] as PropertyKey[];
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.filter((branch) =>
      branch.every((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'),
    );
    if (meant.length === 1) return (meant[0] as Issue[]).flatMap((inner) => unfold(inner, path as Path));
  }
  return [{ ...issue, path }];
}

function toComplaints(issue: Issue, document: unknown): Complaint[] {
  const path = issue.path as Path;
  const found = valueAt(document, path);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownSetting([...path, key], key, issue.message));
  if (issue.code === 'invalid_key') {
    const name = String(path.at(-1));
    const allowed = issue.issues[0]?.message ?? issue.message;
    return [{ path, problem: 'This name cannot be used.', found: name, allowed, suggestion: usableName(name) }];
  }
  if (found === undefined) return [{ path, problem: 'This setting is required, and missing.', allowed: issue.message }];
  return [
    { path, problem: problemOf(issue, found), found, allowed: allowedOf(issue), suggestion: suggest(issue, found) },
  ];
}

function unknownSetting(path: Path, key: string, known: string): Complaint {
  const names = known.split(', ');
  return {
    path,
    problem: `There is no setting "${key}" here.`,
    found: key,
    allowed: known,
    suggestion: nearMiss(key, names),
  };
}

function problemOf(issue: Issue, found: unknown): string {
  switch (issue.code) {
    case 'too_small':
      return typeof found === 'number' ? 'This number is too small.' : 'This is empty.';
    case 'too_big':
      return 'This number is too large.';
    case 'invalid_value':
      return 'This is not one of the values that may stand here.';
    case 'invalid_type':
      if (typeof found === 'number' && issue.expected === 'int') return 'This number is not whole.';
      return `${kindOf(found)} stands where something else is expected.`;
    default:
      return 'This is not of the right form.';
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'A null';
  if (Array.isArray(value)) return 'A list';
  return (
    { string: 'A text', number: 'A number', boolean: 'A true or false', object: 'An object' }[typeof value as string] ??
    'A value'
  );
}

/** The message of an object's check lists its settings. */
function allowedOf(issue: Issue): string {
  return issue.code === 'invalid_type' && issue.expected === 'object'
    ? `an object with ${issue.message}`
    : issue.message;
}

function suggest(issue: Issue, found: unknown): string | null {
  if (issue.code === 'too_big' && typeof found === 'number') return String(issue.maximum);
  if (issue.code === 'too_small' && typeof found === 'number') return String(issue.minimum);
  if (typeof found !== 'string') return null;
  if (issue.code === 'invalid_type') return suggestLiteral(issue.expected, found);
  if (issue.code === 'invalid_union') return suggestListed(issue, found);
  return nearMiss(found, namedValues(issue));
}

/** One value alone, where a list of such values was meant. */
function suggestListed(issue: z.core.$ZodIssueInvalidUnion, found: string): string | null {
  const listable = Array.from(issue.message.matchAll(/"(\w+)"/g), ([, value]) => value as string);
  const near = nearMiss(found, listable);
  if (near === null) return null;
  return issue.errors.flat().some((inner) => namedValues(inner).includes(near)) ? near : `["${near}"]`;
}

/** `"30"` for 30, `"true"` for true. */
function suggestLiteral(expected: string, found: string): string | null {
  if (/^(number|int)$/.test(expected) && /^\d+(\.\d+)?$/.test(found)) return found;
  return expected === 'boolean' && /^(true|false)$/i.test(found) ? found.toLowerCase() : null;
}

function namedValues(issue: Issue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  return issue.code === 'invalid_format' && issue.pattern?.startsWith('/^(v1|') ? ['v1'] : [];
}

function usableName(name: string): string | null {
  const usable = name
    .trim()
    .replace(/[^A-Za-z0-9._:@+-]+/g, '-')
    .replace(/^[^A-Za-z0-9_]+|-+$/g, '');
  return usable === '' || usable === name ? null : usable;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueAt(document: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => {
    return typeof value === 'object' && value !== null && Object.hasOwn(value, part)
      ? (value as Record<string | number, unknown>)[part]
      : undefined;
  }, document);
}

/**
 * Names stay, with `undefined` for a value: the name is known, and its fault has been told. That goes for names that cannot
 * be used as well, since nobody has looked at what stands under them.
 */
function prune(draft: unknown, issue: Issue): void {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys') {
    const owner = valueAt(draft, path);
    if (isObject(owner)) for (const key of issue.keys) delete (owner as Record<string, unknown>)[key];
    return;
  }
  const owner = valueAt(draft, path.slice(0, -1));
  const last = path.at(-1);
  if (last === undefined || typeof owner !== 'object' || owner === null) return;
  // No name at all is nothing that anything could refer to.
  if (last === '') delete (owner as Record<string, unknown>)[last];
  else (owner as Record<string | number, unknown>)[last] = undefined;
}
