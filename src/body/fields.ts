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
  /** The most tokens that the answer may have, each of the choices; `null`: not said. */
  readonly maxTokens: number | null;
  /** How many answers are asked for. */
  readonly choices: number;
  readonly streamOptions: Span | null;
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
  'max_completion_tokens',
  'max_tokens',
  'max_output_tokens',
  'n',
  'stream_options',
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
    maxTokens: maxTokensIn(body, last),
    choices: numberAt(body, last.get('n')) ?? 1,
    streamOptions: last.get('stream_options') ?? null,
  };
}

/** Each API has its own name for it. */
function maxTokensIn(body: Buffer, last: TopLevel['last']): number | null {
  return (
    numberAt(body, last.get('max_completion_tokens')) ??
    numberAt(body, last.get('max_output_tokens')) ??
    numberAt(body, last.get('max_tokens'))
  );
}

/** A whole number above 0; anything else is the deployment's to judge. */
function numberAt(bytes: Buffer, span: Span | undefined): number | null {
  if (span === undefined) return null;
  const value = Number(bytes.toString('latin1', span.start, span.end));
  return Number.isSafeInteger(value) && value > 0 ? value : null;
}

function textAt(bytes: Buffer, span: Span | undefined): string | null {
  if (span === undefined || bytes[span.start] !== 0x22) return null;
  const plain = bytes.toString('utf8', span.start + 1, span.end - 1);
  return plain.includes('\\') ? parsed(bytes, span.start, span.end) : plain;
}

function isLiteral(bytes: Buffer, span: Span | undefined, word: string): boolean {
  return span !== undefined && bytes.toString('latin1', span.start, span.end) === word;
}
