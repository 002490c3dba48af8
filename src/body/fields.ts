import { parsed, ScanFault, Scanner, type Span, type TopLevel } from './scanner.ts';

export interface Fields {
  /** Right behind the opening brace: where a field can be put in. */
  readonly bodyStart: number;
  readonly empty: boolean;
  readonly model: string | null;
  /** Every top-level `model` there is: a reader may take the first or the last one, so all are exchanged. */
  readonly modelSpans: readonly Span[];
  readonly stream: boolean;
  readonly previousResponseId: string | null;
  readonly promptCacheKey: string | null;
  /** The Responses API keeps what it answers unless `store` is false. */
  readonly store: boolean;
}

export type Scan =
  | { readonly ok: true; readonly fields: Fields }
  | { readonly ok: false; readonly problem: string; readonly at: number };

const REQUEST_FIELDS: ReadonlySet<string> = new Set([
  'model',
  'stream',
  'previous_response_id',
  'prompt_cache_key',
  'store',
]);
const ID_FIELD: ReadonlySet<string> = new Set(['id']);

export function scanBody(body: Buffer, maxDepth: number): Scan {
  try {
    return { ok: true, fields: fieldsOf(body, new Scanner(body, maxDepth, REQUEST_FIELDS).document()) };
  } catch (fault) {
    if (fault instanceof ScanFault) return { ok: false, problem: fault.message, at: fault.at };
    throw fault;
  }
}

/** The top-level `id` of an answer; `null` where there is none, or the answer is no JSON object. */
export function scanId(body: Buffer, maxDepth: number): string | null {
  try {
    return textAt(body, new Scanner(body, maxDepth, ID_FIELD).document().last.get('id'));
  } catch (fault) {
    if (fault instanceof ScanFault) return null;
    throw fault;
  }
}

function fieldsOf(body: Buffer, { bodyStart, empty, last, modelSpans }: TopLevel): Fields {
  return {
    bodyStart,
    empty,
    modelSpans,
    model: textAt(body, last.get('model')),
    stream: isLiteral(body, last.get('stream'), 'true'),
    previousResponseId: textAt(body, last.get('previous_response_id')),
    promptCacheKey: textAt(body, last.get('prompt_cache_key')),
    store: !isLiteral(body, last.get('store'), 'false'),
  };
}

function textAt(bytes: Buffer, span: Span | undefined): string | null {
  if (span === undefined || bytes[span.start] !== 0x22) return null;
  const plain = bytes.toString('utf8', span.start + 1, span.end - 1);
  return plain.includes('\\') ? parsed(bytes, span.start, span.end) : plain;
}

function isLiteral(bytes: Buffer, span: Span | undefined, word: string): boolean {
  return span !== undefined && bytes.toString('latin1', span.start, span.end) === word;
}
