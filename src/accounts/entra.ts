import type { JWTPayload } from 'jose';
import type { Clock } from '../domain/clock.ts';
import type { Entra } from '../domain/config.ts';
import { RouterError } from '../domain/errors.ts';
import { unauthorized } from './credential.ts';
import { IssuerKeys, type Jose } from './issuerKeys.ts';
import { Remembered } from './remembered.ts';

/** Whom a token speaks for, as far as the router is concerned. */
export interface TokenHolder {
  readonly application: string;
  readonly account: string;
  readonly isAdmin: boolean;
}

export interface EntraTokens {
  /** Whether this could be a token: three parts of base64url. */
  isToken(text: string): boolean;
  /** From memory alone; `null`: not there. */
  recall(digest: string): TokenHolder | null;
  /** Throws 401 where the token is not good, 403 where its holder has no business here, 503 where nobody can tell. */
  verify(token: string, digest: string): Promise<TokenHolder>;
}

const FORM = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** Signatures whose keys are public: with a shared secret whoever can check a token can make one. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'];
const CLOCKS_APART_S = 60;

const MOST_REMEMBERED = 1_000;
/** So long at most a right that was withdrawn meanwhile goes on. */
const REMEMBERED_MS = 5 * 60_000;

/** Without Entra ID no text is a token. */
export const NO_TOKENS: EntraTokens = {
  isToken: () => false,
  recall: () => null,
  verify: () => Promise.reject(unauthorized('Tokens are not accepted here.')),
};

/** Checks tokens; the library for it is loaded with the first. */
export class VerifiedTokens implements EntraTokens {
  readonly #entra: Entra;
  readonly #accounts: ReadonlyMap<string, string>;
  readonly #clock: Clock;
  readonly #remembered = new Remembered<TokenHolder>(MOST_REMEMBERED);
  #loaded: Promise<{ readonly jose: Jose; readonly keys: IssuerKeys }> | null = null;

  constructor(entra: Entra, clock: Clock) {
    this.#entra = entra;
    this.#clock = clock;
    // Ids are the same in any case, and tokens have them in lower case.
    this.#accounts = new Map(Array.from(entra.accounts, ([id, account]) => [id.toLowerCase(), account]));
  }

  isToken(text: string): boolean {
    return FORM.test(text);
  }

  recall(digest: string): TokenHolder | null {
    return this.#remembered.at(digest, this.#clock.now());
  }

  async verify(token: string, digest: string): Promise<TokenHolder> {
    this.#loaded ??= this.#load();
    const { jose, keys } = await this.#loaded;
    const payload = await this.#payload(token, jose, keys);
    const holder = this.#holder(payload);
    const now = this.#clock.now();
    this.#remembered.keep(digest, holder, Math.min((payload.exp ?? 0) * 1000, now + REMEMBERED_MS));
    return holder;
  }

  async #load(): Promise<{ readonly jose: Jose; readonly keys: IssuerKeys }> {
    const jose = await import('jose');
    return { jose, keys: new IssuerKeys(jose, this.#clock, this.#entra.keysUrl) };
  }

  async #payload(token: string, jose: Jose, keys: IssuerKeys): Promise<JWTPayload> {
    const { issuers, audiences } = this.#entra;
    try {
      const verified = await jose.jwtVerify(token, (header) => keys.keyFor(header), {
        issuer: [...issuers],
        audience: [...audiences],
        algorithms: ALGORITHMS,
        requiredClaims: ['exp'],
        clockTolerance: CLOCKS_APART_S,
        currentDate: new Date(this.#clock.now()),
      });
      return verified.payload;
    } catch (error) {
      // Not of the token's making: the issuer cannot be asked, or something here is broken.
      if (!(error instanceof jose.errors.JOSEError)) throw error;
      throw unauthorized(`The token was refused: ${complaint(error, jose)}.`);
    }
  }

  #holder(payload: JWTPayload): TokenHolder {
    const ids = [payload['azp'], payload['appid'], payload['oid']].filter(isId).map((id) => id.toLowerCase());
    const application = ids[0];
    const roles = Array.isArray(payload['roles']) ? (payload['roles'] as readonly unknown[]) : [];
    const { callerRole, adminRole } = this.#entra;
    const account = ids.map((id) => this.#accounts.get(id)).find((found) => found !== undefined);
    const isAdmin = roles.includes(adminRole);
    const isPermitted = isAdmin || roles.includes(callerRole) || account !== undefined;
    if (application !== undefined && isPermitted) return { application, account: account ?? application, isAdmin };
    const message = `The token is good, but its application has neither the role ${JSON.stringify(callerRole)} nor an account here.`;
    throw new RouterError('forbidden', message);
  }
}

function isId(claim: unknown): claim is string {
  return typeof claim === 'string' && claim !== '';
}

const CLAIMS: Readonly<Record<string, string>> = {
  iss: 'its issuer is none of those configured',
  aud: 'it was issued for another audience',
  nbf: 'it is not valid yet',
  exp: 'it does not say when it expires',
};

/** In words that repeat nothing of the token. */
function complaint(error: unknown, { errors }: Jose): string {
  if (error instanceof errors.JWTExpired) return 'it has expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return CLAIMS[error.claim] ?? 'a claim of it is not as it must be';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'its algorithm is not allowed';
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return 'it is signed with a key that its issuer does not have';
  }
  return 'it is not a well-formed token';
}
