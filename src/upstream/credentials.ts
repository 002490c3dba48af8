import type { Clock } from '../domain/clock.ts';
import type { Endpoint, EndpointCredential } from '../domain/deployment.ts';

export interface Token {
  readonly token: string;
  readonly expiresAt: number;
  /** When the identity service would like to be asked again; `null` where it does not say. */
  readonly refreshAt: number | null;
}

/** Fetches a token for a scope; the one place that knows an identity library is behind it. */
export type TokenSource = (credential: EndpointCredential & { kind: 'managedIdentity' }) => Promise<Token>;

/** name, value of the header that opens the endpoint. */
export type CredentialHeader = readonly [name: string, value: string];

/** A token is renewed this long before it ends, while it still serves. */
const RENEW_AHEAD_MS = 5 * 60_000;
/** After a renewal that failed, the next one waits this long, as long as the old token holds. */
const RENEW_PAUSE_MS = 30_000;

interface Held {
  token: Token | null;
  header: CredentialHeader | null;
  renewal: Promise<CredentialHeader> | null;
  renewNotBefore: number;
}

/** The header for each endpoint: at once where a key or a valid token is at hand, which is nearly always. */
export class Credentials {
  readonly #clock: Clock;
  readonly #fetchToken: TokenSource;
  readonly #held = new Map<string, Held>();

  constructor(clock: Clock, fetchToken: TokenSource) {
    this.#clock = clock;
    this.#fetchToken = fetchToken;
  }

  headerFor({ credential, dialect }: Endpoint): CredentialHeader | Promise<CredentialHeader> {
    if (credential.kind === 'apiKey') {
      const { apiKey } = credential;
      return dialect.kind === 'openai' ? ['authorization', `Bearer ${apiKey}`] : ['api-key', apiKey];
    }
    const held = this.#heldFor(credential);
    const now = this.#clock.now();
    if (held.token === null || held.header === null || held.token.expiresAt <= now)
      return this.#renew(held, credential);
    const renewAt = Math.max(held.token.refreshAt ?? held.token.expiresAt - RENEW_AHEAD_MS, held.renewNotBefore);
    if (now >= renewAt) this.#renewBehind(held, credential, now);
    return held.header;
  }

  #heldFor({ clientId, scope }: EndpointCredential & { kind: 'managedIdentity' }): Held {
    const key = `${clientId ?? ''} ${scope}`;
    let held = this.#held.get(key);
    if (held === undefined) {
      held = { token: null, header: null, renewal: null, renewNotBefore: 0 };
      this.#held.set(key, held);
    }
    return held;
  }

  #renewBehind(held: Held, credential: EndpointCredential & { kind: 'managedIdentity' }, now: number): void {
    held.renewNotBefore = now + RENEW_PAUSE_MS;
    this.#renew(held, credential).catch(() => {
      // The old token still serves; the next request after the pause asks again, and reports it once the token has ended.
    });
  }

  /** All who need the token while it is being fetched wait for the same fetch. */
  #renew(held: Held, credential: EndpointCredential & { kind: 'managedIdentity' }): Promise<CredentialHeader> {
    held.renewal ??= this.#fetchToken(credential)
      .then((token) => {
        held.token = token;
        held.header = ['authorization', `Bearer ${token.token}`];
        held.renewNotBefore = 0;
        return held.header;
      })
      .finally(() => {
        held.renewal = null;
      });
    return held.renewal;
  }
}
