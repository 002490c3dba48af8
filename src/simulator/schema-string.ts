/** Strings that keep to a schema's `format`, `pattern` and lengths. */
import type { Draw } from '../domain/clock.ts';
import { type JsonObject, numberAt, stringAt } from './json.ts';
import { textFor } from './pattern-text.ts';
import { makeHexId, makeUuid, pick, wholeBetween } from './seeded.ts';

const WORDS = [
  'amber',
  'birch',
  'cedar',
  'delta',
  'ember',
  'fjord',
  'grove',
  'harbor',
  'indigo',
  'juniper',
  'kestrel',
  'lagoon',
] as const;

export function stringFor(schema: JsonObject, draw: Draw): string {
  const shortest = numberAt(schema, 'minLength') ?? 0;
  const longest = numberAt(schema, 'maxLength') ?? Math.max(shortest, 40);
  const format = stringAt(schema, 'format');
  const pattern = stringAt(schema, 'pattern');
  if (pattern !== null) return patterned(pattern, shortest, longest, draw);
  const formatted = format === null ? null : formattedAs(format, draw);
  if (formatted !== null) return formatted;
  let text: string = pick(draw, WORDS);
  while (text.length < shortest) text += ` ${pick(draw, WORDS)}`;
  return text.slice(0, Math.max(longest, 0));
}

function patterned(pattern: string, shortest: number, longest: number, draw: Draw): string {
  const fits = (text: string) => text.length >= shortest && text.length <= longest;
  let text = textFor(pattern, draw);
  for (let tries = 0; tries < 50 && !fits(text); tries++) text = textFor(pattern, draw, tries + 2);
  return text;
}

function formattedAs(format: string, draw: Draw): string | null {
  const two = (low: number, high: number) => String(wholeBetween(draw, low, high)).padStart(2, '0');
  const date = () => `${wholeBetween(draw, 2020, 2029)}-${two(1, 12)}-${two(1, 28)}`;
  const time = () => `${two(0, 23)}:${two(0, 59)}:${two(0, 59)}Z`;
  switch (format) {
    case 'date':
      return date();
    case 'time':
      return time();
    case 'date-time':
      return `${date()}T${time()}`;
    case 'duration':
      return `PT${wholeBetween(draw, 1, 59)}M`;
    case 'uuid':
      return makeUuid(draw);
    case 'email':
      return `${pick(draw, WORDS)}@example.com`;
    case 'hostname':
      return `${pick(draw, WORDS)}.example.com`;
    case 'uri':
    case 'url':
      return `https://example.com/${pick(draw, WORDS)}`;
    case 'ipv4':
      return `192.0.2.${wholeBetween(draw, 1, 254)}`;
    case 'ipv6':
      return `2001:db8::${makeHexId('', draw, 3)}`;
    default:
      return null;
  }
}
