import type { Fields } from './fields.ts';
import type { Edit } from './splice.ts';

/** Where the caller set other options, they stay as they are. */
const ASK = '"stream_options":{"include_usage":true}';

/**
 * What makes the body ask for the usage of its stream; empty where the caller asked itself, `null` where it cannot be asked for:
 * there is no stream, or its options are none that anybody could read.
 */
export function usageEdits(body: Buffer, { stream, streamOptions: span, bodyStart: at }: Fields): Edit[] | null {
  if (!stream) return null;
  if (span === null) return [{ start: at, end: at, text: `${ASK},` }];
  const text = body.toString('utf8', span.start, span.end);
  const options = parsed(text);
  if (options === null) return [{ ...span, text: '{"include_usage":true}' }];
  if (typeof options !== 'object' || Array.isArray(options)) return null;
  const asked = (options as Readonly<Record<string, unknown>>)['include_usage'];
  if (asked === true) return [];
  // A false or null is exchanged with all around it; else the field is put in front, and the rest stays byte for byte.
  if (asked !== undefined) return [{ ...span, text: JSON.stringify({ ...options, include_usage: true }) }];
  const inner = span.start + 1;
  const more = Object.keys(options).length > 0 ? ',' : '';
  return [{ start: inner, end: inner, text: `"include_usage":true${more}` }];
}

/** Strings, that the scan does not look into, may still be malformed. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
