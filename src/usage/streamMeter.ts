/** Reads a stream's usage as it passes, and takes out again what was asked for behind its caller's back. */
import type { Tokens } from '../domain/usage.ts';
import { modelIn, usageIn } from './answer.ts';

/** What is kept of a stream's beginning, to estimate by where nothing says what it used. */
const KEPT_BYTES = 16 * 1024;
const FIRST_BYTES = 1024;
const NOTHING = Buffer.alloc(0);

export class StreamMeter {
  readonly #strips: boolean;
  #kept: Buffer = NOTHING;
  #keptBytes = 0;
  #bytes = 0;
  #tokens: Tokens | null = null;

  /** `strips`: the usage was asked for by the router, and the caller's bytes shall be as if it had not been. */
  constructor(strips: boolean) {
    this.#strips = strips;
  }

  /** `null`: the stream has not said it (yet). */
  get tokens(): Tokens | null {
    return this.#tokens;
  }

  /** How much has come in. */
  get bytes(): number {
    return this.#bytes;
  }

  get beginning(): Buffer {
    return this.#kept.subarray(0, this.#keptBytes);
  }

  get model(): string | null {
    return modelIn(this.beginning);
  }

  /** Whole events in; what the caller gets of them out. */
  pass(events: Buffer): Buffer {
    this.#keep(events);
    const left = this.#strips ? withoutNulls(events) : events;
    if (!left.includes(KEY_END)) return left;
    this.#tokens = usageIn(left)?.tokens ?? this.#tokens;
    return this.#strips ? withoutUsage(left) : left;
  }

  #keep(events: Buffer): void {
    this.#bytes += events.length;
    if (this.#keptBytes >= KEPT_BYTES) return;
    const wanted = Math.min(KEPT_BYTES, this.#keptBytes + events.length);
    if (wanted > this.#kept.length) this.#grow(wanted);
    // A copy: what came in is a part of a larger buffer, which a stream must not hold on to.
    this.#keptBytes += events.copy(this.#kept, this.#keptBytes, 0, wanted - this.#keptBytes);
  }

  /** Most streams are short, and many are open at once: room is made as it is needed. */
  #grow(wanted: number): void {
    let size = Math.max(FIRST_BYTES, this.#kept.length);
    while (size < wanted) size *= 2;
    const larger = Buffer.allocUnsafeSlow(Math.min(size, KEPT_BYTES));
    this.#kept.copy(larger, 0, 0, this.#keptBytes);
    this.#kept = larger;
  }
}

/** The name of the member without its first quote: chunks are full of quotes, and each would be stopped at. */
const KEY_END = Buffer.from('usage"');
/** As it stands at the end of every chunk that has nothing to report yet. */
const NULL_MEMBER = Buffer.from(',"usage":null');

/**
 * The common case at the cost of a search: quotes within strings are escaped, so that no text can look like it. The bytes are ours
 * alone, and are moved up in their place.
 */
function withoutNulls(events: Buffer): Buffer {
  let at = events.indexOf(NULL_MEMBER);
  if (at === -1) return events;
  let length = at;
  for (let from = at + NULL_MEMBER.length; at !== -1; from = at + NULL_MEMBER.length) {
    at = events.indexOf(NULL_MEMBER, from);
    const to = at === -1 ? events.length : at;
    events.copyWithin(length, from, to);
    length += to - from;
  }
  return events.subarray(0, length);
}

const EVENT_END = /(?:\r\n|\n|\r(?!\n)){2}/g;
const NO_CHOICES = /"choices"\s*:\s*\[\s*\]/;
const NO_USAGE_BEHIND = /,\s*"usage"\s*:\s*null/;
const NO_USAGE_BEFORE = /"usage"\s*:\s*null\s*,/;

/** Works on Latin-1, in which every byte is a letter and comes out as it went in. */
function withoutUsage(events: Buffer): Buffer {
  const text = events.toString('latin1');
  let left = '';
  let from = 0;
  EVENT_END.lastIndex = 0;
  for (let end = EVENT_END.exec(text); end !== null; end = EVENT_END.exec(text)) {
    const to = end.index + end[0].length;
    left += eventWithoutUsage(text.slice(from, to));
    from = to;
  }
  left += eventWithoutUsage(text.slice(from));
  return left.length === text.length ? events : Buffer.from(left, 'latin1');
}

function eventWithoutUsage(event: string): string {
  if (!event.includes('"usage"')) return event;
  const said = usageIn(Buffer.from(event, 'latin1'));
  if (said === null) {
    return NO_USAGE_BEHIND.test(event) ? event.replace(NO_USAGE_BEHIND, '') : event.replace(NO_USAGE_BEFORE, '');
  }
  if (NO_CHOICES.test(event)) return '';
  // Some tell it with the last choice instead of in an event of its own.
  return withoutMember(event, said.start, said.end);
}

/** Takes out a member by its value's place, with its name and one of the commas around it. */
function withoutMember(event: string, start: number, end: number): string {
  const before = event.slice(0, start).replace(/"usage"\s*:\s*$/, '');
  const behind = event.slice(end);
  const comma = /,\s*$/.exec(before);
  if (comma !== null) return before.slice(0, comma.index) + behind;
  return before + behind.replace(/^\s*,/, '');
}
