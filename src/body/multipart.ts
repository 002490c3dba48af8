/** Just enough of RFC 7578 to find, exchange or put in the form field `model`; every other byte stays as it is. */
import { splice } from './splice.ts';
import type { Span } from './scanner.ts';

const HEADERS_END = '\r\n\r\n';

export interface Form {
  readonly boundary: string;
  readonly model: string | null;
  readonly modelSpan: Span | null;
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
  const modelSpan = findModel(body, delimiter, start);
  const model = modelSpan === null ? null : body.toString('utf8', modelSpan.start, modelSpan.end);
  return { boundary, model, modelSpan, start };
}

export function withFormModel(body: Buffer, form: Form, model: string): Buffer {
  if (form.modelSpan !== null) return splice(body, [{ ...form.modelSpan, text: model }]);
  const part = `--${form.boundary}\r\nContent-Disposition: form-data; name="model"${HEADERS_END}${model}\r\n`;
  return splice(body, [{ start: form.start, end: form.start, text: part }]);
}

function boundaryOf(contentType: string): string | null {
  const match = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  return match?.[1] ?? match?.[2] ?? null;
}

function findModel(body: Buffer, delimiter: string, start: number): Span | null {
  let part = start;
  while (part !== -1) {
    const headers = part + delimiter.length;
    if (body.toString('latin1', headers, headers + 2) === '--') return null;
    const headersEnd = body.indexOf(HEADERS_END, headers);
    if (headersEnd === -1) return null;
    const next = body.indexOf(`\r\n${delimiter}`, headersEnd);
    if (isModelPart(body.toString('latin1', headers, headersEnd))) {
      return next === -1 ? null : { start: headersEnd + HEADERS_END.length, end: next };
    }
    part = next === -1 ? -1 : next + 2;
  }
  return null;
}

function isModelPart(headers: string): boolean {
  return /^content-disposition:[^\r\n]*[;\s]name=(?:"model"|model(?=[;\s]|$))/im.test(headers);
}
