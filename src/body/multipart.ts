/** Just enough of RFC 7578 to find, exchange or put in the form field `model`; every other byte stays as it is. */

import type { Span } from './scanner.ts';
import type { Edit } from './splice.ts';

const HEADERS_END = '\r\n\r\n';

interface ValueSpan extends Span {
  /** What a value needs behind it where there was none: the delimiter's line break belonged to the headers. */
  readonly lineBreak: string;
}

export interface Form {
  readonly boundary: string;
  /** The first one's value. */
  readonly model: string | null;
  /** Every field `model` there is: a reader may take the first or the last one, so all are exchanged. */
  readonly modelSpans: readonly ValueSpan[];
  /** Where the first delimiter line begins. */
  readonly start: number;
}

export function isMultipart(contentType: string | null): boolean {
  return contentType !== null && /^\s*multipart\/form-data\b/i.test(contentType);
}

/** `null` where the body is no form with this content type's boundary. */
export function readForm(body: Buffer, contentType: string): Form | null {
  const boundary = boundaryOf(contentType);
  if (boundary === null) return null;
  const delimiter = `--${boundary}`;
  const start = body.indexOf(delimiter);
  if (start === -1) return null;
  const modelSpans = findModels(body, delimiter, start);
  const [first] = modelSpans;
  const model = first === undefined ? null : body.toString('utf8', first.start, first.end);
  return { boundary, model, modelSpans, start };
}

/** What makes the form's `model` name this deployment; it is put in where there is none. */
export function formModelEdits(form: Form, model: string): Edit[] {
  if (form.modelSpans.length > 0) {
    return form.modelSpans.map(({ start, end, lineBreak }) => ({ start, end, text: model + lineBreak }));
  }
  const part = `--${form.boundary}\r\nContent-Disposition: form-data; name="model"${HEADERS_END}${model}\r\n`;
  return [{ start: form.start, end: form.start, text: part }];
}

/** RFC 2046, 5.1.1: 1 to 70 characters. */
function boundaryOf(contentType: string): string | null {
  const match = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))(?=\s*(?:;|$))/i.exec(contentType);
  return match?.[1] ?? match?.[2] ?? null;
}

function findModels(body: Buffer, delimiter: string, start: number): ValueSpan[] {
  const spans: ValueSpan[] = [];
  let part = start;
  while (part !== -1) {
    const headers = part + delimiter.length;
    if (body.toString('latin1', headers, headers + 2) === '--') break;
    const headersEnd = body.indexOf(HEADERS_END, headers);
    if (headersEnd === -1) break;
    // A part without content ends where its headers end: the delimiter's line break is theirs.
    const next = body.indexOf(`\r\n${delimiter}`, headersEnd + 2);
    if (next === -1) break;
    const start = headersEnd + HEADERS_END.length;
    const named = nameOf(body.toString('latin1', headers, headersEnd)) === 'model';
    if (named)
      spans.push(next < start ? { start, end: start, lineBreak: '\r\n' } : { start, end: next, lineBreak: '' });
    part = next + 2;
  }
  return spans;
}

/** The field's name. Parameters are read one by one: a file's name may look like one of them. */
function nameOf(headers: string): string | null {
  const disposition = /^content-disposition:([^\r\n]*)/im.exec(headers)?.[1] ?? '';
  for (const [, name, quoted, plain] of disposition.matchAll(/;\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/g)) {
    if (name?.toLowerCase() === 'name') return quoted ?? plain ?? null;
  }
  return null;
}
