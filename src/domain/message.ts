/** The lean message both hosts translate to at their edge: what one HTTP exchange is, without any library's idea of it. */

/** name, value, name, value, … : order and duplicates are kept; names are in any case. */
export type HeaderList = readonly string[];

export interface BodyLimits {
  readonly maxBytes: number;
  /** How long the whole body may take to arrive. */
  readonly withinMs: number;
}

/** Where the host can tell that the caller has left. */
export interface Caller {
  readonly gone: boolean;
  /** The caller is still there, and the host is about to end: whatever it is to be told has to be told now. Absent: the host never says so. */
  readonly dismissed?: boolean;
  /** Calls `fn` once if the caller leaves or is dismissed; the answer takes that back. */
  onGone(fn: () => void): () => void;
}

export interface IncomingRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  readonly headers: HeaderList;
  /** Where it comes from, as far as the host can tell: an address, for telling sources apart and nothing else. */
  readonly source: string;
  readonly caller: Caller;
  /** Reads the body once; rejects with a `RouterError` where it is too large, too slow or cut off. */
  readBody(limits: BodyLimits): Promise<Buffer>;
}

/** Chunks may be merged or split on the way, never changed. Throws only where the rest of the answer was lost. */
export type AnswerStream = AsyncIterable<Buffer, undefined>;

export interface Answer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer | AnswerStream | null;
}

export function headerValues(headers: HeaderList, lowerName: string): string[] {
  const values: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string;
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) values.push(headers[at + 1] as string);
  }
  return values;
}

export function headerValue(headers: HeaderList, lowerName: string): string | null {
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string;
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) return headers[at + 1] as string;
  }
  return null;
}
