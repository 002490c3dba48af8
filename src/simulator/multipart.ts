/** Just enough multipart/form-data to read an upload. */
export interface FormPart {
  readonly name: string;
  readonly filename: string | null;
  readonly bytes: Buffer;
}

export interface Form {
  readonly parts: readonly FormPart[];
}

export const NO_FORM: Form = { parts: [] };

export function readForm(contentType: string, body: Buffer): Form {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  const mark = boundary?.[1] ?? boundary?.[2];
  if (mark === undefined || !/^multipart\/form-data/i.test(contentType)) return NO_FORM;
  const delimiter = Buffer.from(`--${mark}`);
  const parts: FormPart[] = [];
  let at = body.indexOf(delimiter);
  while (at >= 0) {
    const from = at + delimiter.length;
    const next = body.indexOf(delimiter, from);
    if (next < 0) break;
    const part = readPart(body.subarray(from, next));
    if (part) parts.push(part);
    at = next;
  }
  return { parts };
}

/** A part lies between two delimiters: line break, headers, empty line, bytes, line break. */
function readPart(raw: Buffer): FormPart | null {
  const headEnd = raw.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const head = raw.subarray(0, headEnd).toString('utf8');
  const name = /;\s*name="([^"]*)"/i.exec(head)?.[1];
  if (name === undefined) return null;
  return {
    name,
    filename: /;\s*filename="([^"]*)"/i.exec(head)?.[1] ?? null,
    bytes: raw.subarray(headEnd + 4, raw.length - 2),
  };
}

export function fieldOf(form: Form, name: string): string | null {
  return form.parts.find((part) => part.name === name && part.filename === null)?.bytes.toString('utf8') ?? null;
}

export function filesOf(form: Form, name: string): FormPart[] {
  return form.parts.filter((part) => part.filename !== null && (part.name === name || part.name === `${name}[]`));
}
