import type { JWSHeaderParameters, RemoteJWKSet } from 'jose';
import type { Clock } from '../domain/clock.ts';
import { cannotBeChecked } from './credential.ts';

export type Jose = typeof import('jose');

type PublicKey = Awaited<ReturnType<RemoteJWKSet>>;

const LONGEST_FETCH_MS = 5_000;
/** Issuers announce a new key well before they sign with it; what they withdraw has to go. */
const FRESH_MS = 60 * 60_000;
/** While the issuer cannot be asked its last keys serve on, for a day. */
const LAST_MS = 24 * 60 * 60_000;
/** A token of an unknown key has the keys fetched anew, though not for each token that somebody makes up. */
const PAUSE_MS = 30_000;
/** After a fetch that failed. */
const RETRY_MS = 5_000;

/** The keys an issuer signs with. When they are fetched is decided here, by our clock; the library fetches and holds them. */
export class IssuerKeys {
  readonly #jose: Jose;
  readonly #clock: Clock;
  readonly #held: RemoteJWKSet;
  #fetchedAt: number | null = null;
  #failedAt: number | null = null;
  #failure: unknown = null;

  constructor(jose: Jose, clock: Clock, url: string) {
    this.#jose = jose;
    this.#clock = clock;
    const never = Number.POSITIVE_INFINITY;
    const options = { timeoutDuration: LONGEST_FETCH_MS, cacheMaxAge: never, cooldownDuration: never };
    this.#held = jose.createRemoteJWKSet(new URL(url), options);
  }

  /** The key that a token says it is signed with. */
  async keyFor(header: JWSHeaderParameters): Promise<PublicKey> {
    if (this.#ageMs() >= FRESH_MS) await this.#fetchOr(LAST_MS);
    try {
      return await this.#held(header);
    } catch (error) {
      if (!(error instanceof this.#jose.errors.JWKSNoMatchingKey) || this.#ageMs() < PAUSE_MS) throw error;
    }
    await this.#fetchOr(0);
    return await this.#held(header);
  }

  #ageMs(): number {
    return this.#fetchedAt === null ? Number.POSITIVE_INFINITY : this.#clock.now() - this.#fetchedAt;
  }

  /** Fetches the keys; where that fails, those that are held will do if they are younger than `lastMs`. */
  async #fetchOr(lastMs: number): Promise<void> {
    const now = this.#clock.now();
    if (this.#failedAt === null || now - this.#failedAt >= RETRY_MS) await this.#fetch(now);
    if (this.#failedAt !== null && this.#ageMs() >= lastMs) throw cannotBeChecked('Tokens', RETRY_MS, this.#failure);
  }

  async #fetch(now: number): Promise<void> {
    try {
      await this.#held.reload();
      this.#fetchedAt = now;
      this.#failedAt = null;
    } catch (error) {
      // Told to the callers whose tokens need the keys.
      this.#failedAt = now;
      this.#failure = error;
    }
  }
}
