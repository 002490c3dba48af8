import { dataOf, meaningOf, responseIdIn, splitEvents, wholeEventsEnd } from './events.ts';

/** What may wait for the first content; a prelude longer than this is let through. */
const LONGEST_PRELUDE = 256 * 1024;

export type GateVerdict =
  | { readonly kind: 'wait' }
  | { readonly kind: 'commit' }
  | { readonly kind: 'error'; readonly code: string | null };

const WAIT: GateVerdict = { kind: 'wait' };
const COMMIT: GateVerdict = { kind: 'commit' };

/** Holds a stream back until its first content, so that what breaks before it breaks unseen. */
export class CommitGate {
  #held: Buffer = Buffer.alloc(0);
  #inspected = 0;
  /** The stored response this stream is about, once an event has named it. */
  responseId: string | null = null;

  /** Everything received so far. */
  get held(): Buffer {
    return this.#held;
  }

  push(chunk: Buffer): GateVerdict {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const end = wholeEventsEnd(this.#held, this.#inspected);
    if (end > this.#inspected) {
      const events = this.#held.toString('utf8', this.#inspected, end);
      this.#inspected = end;
      const verdict = this.#inspect(events);
      if (verdict.kind !== 'wait') return verdict;
    }
    return this.#held.length > LONGEST_PRELUDE ? COMMIT : WAIT;
  }

  #inspect(events: string): GateVerdict {
    for (const event of splitEvents(events)) {
      const data = dataOf(event);
      if (data === null) continue;
      if (data.startsWith('{"type":"response.') || data.includes('"response"')) this.responseId ??= responseIdIn(data);
      const meaning = meaningOf(data);
      if (meaning.kind === 'content') return COMMIT;
      if (meaning.kind === 'error') return { kind: 'error', code: meaning.code === '' ? null : meaning.code };
    }
    return WAIT;
  }
}
