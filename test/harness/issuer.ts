/** An issuer of tokens as Entra ID is one: its public keys are on a server, and its tokens say who may do what. */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { json, startUpstream } from './upstream.ts';

export const AUDIENCE = 'api://router';

type SigningKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

export interface Issuer extends AsyncDisposable {
  /** For a router's `auth`: tokens of this issuer are accepted. */
  readonly entra: object;
  /** How often its keys have been asked for. */
  readonly asked: number;
  /** Good for an hour unless `claims` say otherwise; `undefined` takes a claim away. */
  token(claims?: JWTPayload): Promise<string>;
  /** Signed by somebody else under the same name. */
  forged(claims?: JWTPayload): Promise<string>;
}

export async function startIssuer(more: object = {}): Promise<Issuer> {
  const [own, other] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
  const header = { alg: 'RS256', kid: 'k1' };
  const server = await startUpstream(json(200, { keys: [{ ...(await exportJWK(own.publicKey)), ...header }] }));
  const issuer = `${server.url}/tenant/v2.0`;
  const sign = (key: SigningKey, claims: JWTPayload): Promise<string> => {
    const now = Math.floor(Date.now() / 1000);
    const usual = { iss: issuer, aud: AUDIENCE, azp: 'an-application', roles: ['Router.Caller'] };
    return new SignJWT({ ...usual, nbf: now - 1, exp: now + 3_600, ...claims }).setProtectedHeader(header).sign(key);
  };
  return {
    entra: { tenantId: 'tenant', audience: AUDIENCE, issuers: [issuer], keysUrl: `${server.url}/keys`, ...more },
    get asked() {
      return server.received.length;
    },
    token: (claims = {}) => sign(own.privateKey, claims),
    forged: (claims = {}) => sign(other.privateKey, claims),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
