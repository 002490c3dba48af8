/** A chat completion as it comes: whole, or as events of a stream. Pure but for the reading. */

interface Chunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly message?: { readonly content?: string | null };
  }[];
  readonly error?: { readonly message?: string };
}

/** The text in an answer's body; where it holds none, the body itself. */
export function answerText(body: string): string {
  const content = textIn(body);
  return content ?? body;
}

function textIn(json: string): string | null {
  try {
    const { choices, error } = JSON.parse(json) as Chunk;
    const choice = choices?.[0];
    return choice?.message?.content ?? choice?.delta?.content ?? error?.message ?? null;
  } catch {
    return null;
  }
}

/** Collects a stream of server-sent events: bytes in, the text they add out. */
export class StreamedText {
  readonly #decoder = new TextDecoder();
  #rest = '';

  add(bytes: Uint8Array): string {
    this.#rest += this.#decoder.decode(bytes, { stream: true });
    const events = this.#rest.split(/\r?\n\r?\n/);
    this.#rest = events.pop() ?? '';
    return events.map(eventText).join('');
  }
}

function eventText(event: string): string {
  const data = event
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice('data:'.length).trim())
    .join('\n');
  return data === '' || data === '[DONE]' ? '' : (textIn(data) ?? '');
}
