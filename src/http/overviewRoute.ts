/** `GET /router/overview`: made once for however many look at it, and sent only to those who have not got it. */
import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Clock } from '../domain/clock.ts';
import { type Answer, type HeaderList, headerValues } from '../domain/message.ts';
import type { Overview } from '../domain/overview.ts';
import { takesCoding } from './codings.ts';
import { type ControlRoute, withId } from './controlRoute.ts';
import type { Lookout } from './overview.ts';

/** Whoever asks within so long of its making gets the same. */
const SHOWN_FOR_MS = 500;

const compress = promisify(gzip);

interface Print {
  readonly plain: Buffer;
  readonly etag: string;
  /** Made when somebody first asks for it. */
  gzipped: Promise<Buffer> | null;
}

export function overviewRoute(lookout: Lookout, clock: Clock): ControlRoute {
  const press = new Press(() => lookout.look(), clock);
  return {
    method: 'GET',
    path: /^\/router\/overview$/,
    open: false,
    answer: async ({ request, requestId }) => answerWith(await press.print(), request.headers, requestId),
  };
}

/** The overview as bytes. */
class Press {
  readonly #look: () => Promise<Overview>;
  readonly #clock: Clock;
  #last: Print | null = null;
  #madeAt = Number.NEGATIVE_INFINITY;
  #making: Promise<Print> | null = null;

  constructor(look: () => Promise<Overview>, clock: Clock) {
    this.#look = look;
    this.#clock = clock;
  }

  print(): Promise<Print> | Print {
    if (this.#last !== null && this.#clock.monotonicMs() - this.#madeAt < SHOWN_FOR_MS) return this.#last;
    this.#making ??= this.#make().finally(() => {
      this.#making = null;
    });
    return this.#making;
  }

  async #make(): Promise<Print> {
    const print = printOf(await this.#look());
    this.#last = print;
    this.#madeAt = this.#clock.monotonicMs();
    return print;
  }
}

/**
 * The tag leaves out what changes while nothing happens: the instant of the answer, and when a store that is healthy was last read.
 * Minutes go by in it, so what is shown is never older than one. It is weak, for those two may differ under it (RFC 9110, 8.8.1).
 */
function printOf(overview: Overview): Print {
  const { at: _, store, ...rest } = overview;
  const lasting = JSON.stringify([rest, store.healthy ? { ...store, lastReadAt: null } : store]);
  const etag = `W/"${hash('sha256', lasting, 'base64url').slice(0, 27)}"`;
  return { plain: Buffer.from(JSON.stringify(overview)), etag, gzipped: null };
}

async function answerWith(print: Print, headers: HeaderList, requestId: string): Promise<Answer> {
  const common = ['etag', print.etag, 'vary', 'accept-encoding', ...withId(requestId)];
  if (hasAlready(headers, print.etag)) return { status: 304, headers: common, body: null };
  const told = ['content-type', 'application/json', ...common];
  // What is named by itself counts before `*`.
  const takesGzip = takesCoding(headers, 'gzip') ?? takesCoding(headers, '*') ?? false;
  if (!takesGzip) return { status: 200, headers: told, body: print.plain };
  print.gzipped ??= compress(print.plain);
  return { status: 200, headers: [...told, 'content-encoding', 'gzip'], body: await print.gzipped };
}

/** RFC 9110, 13.1.2: compared weakly. */
function hasAlready(headers: HeaderList, etag: string): boolean {
  const tags = headerValues(headers, 'if-none-match').flatMap((value) => value.split(','));
  return tags.some((tag) => tag.trim() === '*' || tag.trim().replace(/^(?:W\/)?/, 'W/') === etag);
}
