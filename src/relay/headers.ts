/**
 * Which headers travel. A gateway forwards what it does not know (RFC 9110, 7.6.1), so both lists name what stays behind,
 * each group with its reason.
 */
import { type HeaderList, headerValues } from '../domain/message.ts';
import type { UpstreamHeaders } from '../upstream/port.ts';

/** RFC 9110, 7.6.1 (and 10.1.4, 11.7 for TE and Proxy-*): these speak of one connection only. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'trailers',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];

/** RFC 9110, 7.2, 8.6 and 10.1.1: written anew for the next connection. */
const FRAMING = ['host', 'content-length', 'expect', 'max-forwards'];

/**
 * The caller's credentials, for us or for what stands in front of us; the endpoint gets ours instead. They do not come down either:
 * an endpoint, or a proxy in front of it, that shows what it was sent would hand our key to callers.
 */
const CREDENTIALS = ['authorization', 'api-key', 'x-api-key', 'x-functions-key', 'ocp-apim-subscription-key', 'cookie'];

/** Ours alone (the labels too: who calls is nobody's business upstream). */
const OWN = ['x-agent-name', 'x-creator', 'x-operation'];
const OWN_PREFIXES = ['x-router-'];

/** Where the caller sits and how it came here; put on by front ends. RFC 7239, and Azure's App Service front end. */
const JOURNEY = [
  'forwarded',
  'x-real-ip',
  'x-client-ip',
  'x-client-port',
  'client-ip',
  'x-original-url',
  'x-site-deployment-id',
  'x-waws-unencoded-url',
  'disguised-host',
  'was-default-hostname',
  'x-appservice-proto',
  'x-ms-invocation-id',
  'x-ms-request-root-id',
];
const JOURNEY_PREFIXES = [
  'x-forwarded-',
  'x-arr-',
  'x-azure-',
  'x-ms-client-principal',
  'x-ms-token-',
  'x-ms-edge-',
  'x-fd-',
];

/** What of the endpoint speaks of its own host name, connection or front end. RFC 6797, RFC 7838. */
const ENDPOINT_ONLY = ['strict-transport-security', 'alt-svc', 'content-length'];

/** A router behind a router: each speaks for itself. */
const DOWN_PREFIXES = ['x-router-'];

/** Verdicts are kept for names already met; a caller that makes up names must not fill the memory. */
const REMEMBERED_NAMES = 1_000;

class HeaderRule {
  readonly #names: ReadonlySet<string>;
  readonly #prefixes: readonly string[];
  readonly #verdicts = new Map<string, boolean>();

  constructor(names: readonly string[], prefixes: readonly string[]) {
    this.#names = new Set(names);
    this.#prefixes = prefixes;
  }

  travels(name: string): boolean {
    const known = this.#verdicts.get(name);
    if (known !== undefined) return known;
    const lower = name.toLowerCase();
    const verdict = !this.#names.has(lower) && !this.#prefixes.some((prefix) => lower.startsWith(prefix));
    if (this.#verdicts.size < REMEMBERED_NAMES) this.#verdicts.set(name, verdict);
    return verdict;
  }
}

const UP = new HeaderRule(
  [...HOP_BY_HOP, ...FRAMING, ...CREDENTIALS, ...OWN, ...JOURNEY],
  [...OWN_PREFIXES, ...JOURNEY_PREFIXES],
);
const DOWN = new HeaderRule([...HOP_BY_HOP, ...ENDPOINT_ONLY, ...CREDENTIALS], DOWN_PREFIXES);

/** Names that `Connection` declares to be of this connection only. */
function declaredHopByHop(connection: readonly string[]): ReadonlySet<string> | null {
  const names = connection.flatMap((value) => (/^\s*(keep-alive|close)\s*$/i.test(value) ? [] : value.split(',')));
  return names.length === 0 ? null : new Set(names.map((name) => name.trim().toLowerCase()));
}

export interface UpwardOptions {
  /** The router must be able to read the stream's events. */
  readonly uncompressed: boolean;
}

/** The caller's headers as they go to an endpoint. */
export function upwardHeaders(headers: HeaderList, { uncompressed }: UpwardOptions): string[] {
  const declared = declaredHopByHop(headerValues(headers, 'connection'));
  const up: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string;
    if (!UP.travels(name) || declared?.has(name.toLowerCase()) === true) continue;
    if (uncompressed && name.length === 15 && name.toLowerCase() === 'accept-encoding') continue;
    up.push(name, headers[at + 1] as string);
  }
  if (uncompressed) up.push('accept-encoding', 'identity');
  return up;
}

export interface DownwardOptions {
  /** No body follows, so that nobody else could say how long it would have been (RFC 9110, 8.6). */
  readonly keepLength: boolean;
}

/** The endpoint's headers as they go to the caller; framing is written anew by the host, where there is a body to frame. */
export function downwardHeaders(headers: UpstreamHeaders, { keepLength }: DownwardOptions): string[] {
  const { connection } = headers;
  const declared = connection === undefined ? null : declaredHopByHop([connection].flat());
  const down: string[] = [];
  for (const name in headers) {
    const travels = DOWN.travels(name) || (keepLength && name === 'content-length');
    if (!travels || declared?.has(name) === true) continue;
    const value = headers[name];
    if (typeof value === 'string') down.push(name, value);
    else if (value !== undefined) for (const one of value) down.push(name, one);
  }
  return down;
}

export function firstValue(headers: UpstreamHeaders, lowerName: string): string | null {
  const value = headers[lowerName];
  return (typeof value === 'string' ? value : value?.[0]) ?? null;
}
