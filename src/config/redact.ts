/** What a fault may show of what it found. A secret in a fault would end in a terminal, a log and a ticket. */

export const HIDDEN = '(hidden)';
const LONGEST_FOUND = 80;
/** By their end, so that an agent named `secret_shopper` keeps its home in sight. */
const SECRET_NAME = /(key|secret|token|password|passwd|credential|connection[-_]?string|authorization)s?[-_]?\d*$/i;
const ENVIRONMENT_SECRET = /(KEY|SECRET|TOKEN|PASSWORD|CONNECTION|STORAGE)/i;
/** Shorter values would tear harmless words out of the sentences. */
const SHORTEST_SECRET = 6;

/** Azure's keys are 32 hex digits, or 84 letters and digits; the names people give have their words parted. */
const KEY_LIKE = /\bsk-[A-Za-z0-9]\S*|[A-Za-z0-9]{20,}/g;

function hideKeyLike(text: string): string {
  return text.replace(KEY_LIKE, (run) =>
    run.startsWith('sk-') || (/\d/.test(run) && /[A-Za-z]/.test(run)) ? HIDDEN : run,
  );
}

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** The values that may stand in no fault, whatever way they got there. */
export function secretsOf(document: unknown, env: Readonly<Record<string, string | undefined>>): string[] {
  const secrets = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && ENVIRONMENT_SECRET.test(name) ? [value.trim()] : [],
  );
  collectSecrets(document, false, secrets);
  const long = secrets.filter((secret) => secret.length >= SHORTEST_SECRET);
  const asJson = long.map((secret) => JSON.stringify(secret).slice(1, -1));
  // Longest first: one secret may begin with another.
  return [...new Set([...long, ...asJson])].sort((left, right) => right.length - left.length);
}

function collectSecrets(value: unknown, secret: boolean, into: string[]): void {
  if (typeof value === 'string') {
    if (secret && !isReference(value)) into.push(value, value.trim());
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, child] of Object.entries(value)) collectSecrets(child, secret || isSecretName(key), into);
}

function isReference(text: string): boolean {
  return /^\$\{\w+\}$/.test(text);
}

/** The known secrets, and whatever looks like one. */
export function scrub(text: string, secrets: readonly string[]): string {
  return hideKeyLike(secrets.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text));
}

/** `underSecret`: the value stands under a setting that holds secrets. */
export function showFound(value: unknown, underSecret: boolean, secrets: readonly string[]): string {
  // Cut last: half a secret would no longer be known as one.
  const shown = underSecret ? HIDDEN : scrub(JSON.stringify(withoutSecrets(value)), secrets);
  return shown.length <= LONGEST_FOUND ? shown : `${shown.slice(0, LONGEST_FOUND - 1)}…`;
}

function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') return withoutUrlSecrets(value);
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, isSecretName(key) ? HIDDEN : withoutSecrets(child)]),
  );
}

function withoutUrlSecrets(text: string): string {
  return text.replace(/\/\/[^/?#]*@/, `//${HIDDEN}@`).replace(/\?.*$/, `?${HIDDEN}`);
}
