import type { Fields } from './fields.ts';
import type { Span } from './scanner.ts';

export interface Edit extends Span {
  readonly text: string;
}

/** The same bytes with a few spans exchanged; `edits` stand in order and do not overlap. */
export function splice(body: Buffer, edits: readonly Edit[]): Buffer {
  return edits.length === 0 ? body : Buffer.concat(pieces(body, edits));
}

/** The same in pieces, nothing copied: for bodies so large that a copy costs more than a write. */
export function pieces(body: Buffer, edits: readonly Edit[]): Buffer[] {
  const parts: Buffer[] = [];
  let from = 0;
  for (const edit of edits) {
    parts.push(body.subarray(from, edit.start), Buffer.from(edit.text, 'utf8'));
    from = edit.end;
  }
  parts.push(body.subarray(from));
  return parts;
}

/** What makes the body's `model` name this deployment; it is put in where the caller named it elsewhere. */
export function modelEdits(fields: Fields, model: string): Edit[] {
  const text = JSON.stringify(model);
  if (fields.modelSpans.length > 0) return fields.modelSpans.map((span) => ({ ...span, text }));
  const at = fields.bodyStart;
  return [{ start: at, end: at, text: `"model":${text}${fields.empty ? '' : ','}` }];
}
