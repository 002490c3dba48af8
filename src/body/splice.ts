import type { Fields } from './fields.ts';
import type { Span } from './scanner.ts';

export interface Edit extends Span {
  readonly text: string;
}

/** The same bytes with a few spans exchanged; `edits` stand in order and do not overlap. */
export function splice(body: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return body;
  const parts: Buffer[] = [];
  let from = 0;
  for (const edit of edits) {
    parts.push(body.subarray(from, edit.start), Buffer.from(edit.text, 'utf8'));
    from = edit.end;
  }
  parts.push(body.subarray(from));
  return Buffer.concat(parts);
}

/** The body with `model` naming this deployment, put in where the caller named it elsewhere. */
export function withModel(body: Buffer, fields: Fields, model: string): Buffer {
  const text = JSON.stringify(model);
  if (fields.modelSpans.length > 0) {
    return splice(
      body,
      fields.modelSpans.map((span) => ({ ...span, text })),
    );
  }
  const at = fields.bodyStart;
  return splice(body, [{ start: at, end: at, text: `"model":${text}${fields.empty ? '' : ','}` }]);
}
