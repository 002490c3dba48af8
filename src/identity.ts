/** The app's own identity in Entra ID, for whatever it asks tokens for. */
import type { TokenSource } from './upstream/credentials.ts';

/** Entra ID tokens; the library is loaded when the first one is needed, and by nobody who works with keys. */
export function entraTokens(hasPlatformIdentity: boolean): TokenSource {
  return async ({ clientId, scope }) => {
    const credential = await entraCredential(clientId, hasPlatformIdentity);
    const { token, expiresOnTimestamp, refreshAfterTimestamp } = await credential.getToken(scope);
    return { token, expiresAt: expiresOnTimestamp, refreshAt: refreshAfterTimestamp ?? null };
  };
}

export async function entraCredential(clientId: string | null, hasPlatformIdentity: boolean) {
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import('@azure/identity');
  const options = clientId === null ? {} : { clientId };
  // At home there is no managed identity: there the developer's own sign-in serves.
  return hasPlatformIdentity ? new ManagedIdentityCredential(options) : new DefaultAzureCredential();
}
