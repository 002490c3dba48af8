/// <reference lib="dom" />
/** The router, asked over its own HTTP. The key lives in this object, for as long as the page is open, and nowhere else. */

export interface Asking {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
  readonly withinMs?: number;
}

/** What the router refused, in its own words. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  get needsKey(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

const WITHIN_MS = 10_000;

export class Router {
  #key: string | null = null;
  readonly #onLocked: (refused: Refused) => void;

  /** `onLocked` hears of every answer of the control plane that asks for another key. */
  constructor(onLocked: (refused: Refused) => void) {
    this.#onLocked = onLocked;
  }

  get hasKey(): boolean {
    return this.#key !== null;
  }

  use(key: string): void {
    this.#key = key;
  }

  forget(): void {
    this.#key = null;
  }

  /** Whatever the answer; rejects where there is none. */
  send(path: string, { method, headers = {}, body, withinMs = WITHIN_MS }: Asking = {}): Promise<Response> {
    const credential = this.#key === null ? {} : { 'api-key': this.#key };
    const content = body === undefined ? {} : { 'content-type': 'application/json' };
    return fetch(path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...credential, ...content, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      signal: AbortSignal.timeout(withinMs),
    });
  }

  /** The JSON of a good answer; throws `Refused` on any other. */
  async ask<T>(path: string, asking: Asking = {}): Promise<T> {
    const response = await this.send(path, asking);
    if (response.ok) return (await response.json()) as T;
    const refused = await refusedBy(response);
    if (refused.needsKey) this.#onLocked(refused);
    throw refused;
  }
}

export async function refusedBy(response: Response): Promise<Refused> {
  return new Refused(response.status, messageIn(await response.text(), response.status));
}

function messageIn(text: string, status: number): string {
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly message?: unknown } };
    if (typeof error?.message === 'string') return error.message;
  } catch {
    // Not every answer comes from the router: whatever stands before it has pages of its own.
  }
  return `The router answered ${status}.`;
}

/** For people, whatever was thrown. */
export function problemText(error: unknown): string {
  if (error instanceof Refused) return error.message;
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'The router did not answer in time.';
  return 'The router cannot be reached.';
}
