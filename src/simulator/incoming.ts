/** A request as it came, read far enough to know what it is for. */
import type { Received } from './books.ts';
import { isObject, type Json, type JsonObject, parseJson, stringAt } from './json.ts';
import { type Form, fieldOf, NO_FORM, readForm } from './multipart.ts';
import { findRoute, type Route } from './routes.ts';

export interface Incoming {
  readonly received: Received;
  readonly route: Route | null;
  readonly query: URLSearchParams;
  /** `null` where the body is no JSON object. */
  readonly json: JsonObject | null;
  readonly form: Form;
  /** The deployment's name, from the path or the body. */
  readonly deployment: string | null;
  /** What a header or the prompt asks to go wrong. */
  readonly faultMarker: string | null;
  readonly wantsCompression: boolean;
  readonly acceptsGzip: boolean;
}

const FAULT_MARK = '[[fault:';
const LONGEST_FAULT_MARK = 300;

export function readIncoming(received: Received): Incoming {
  const url = urlOf(received.path);
  const route = findRoute(received.method, url.pathname);
  const contentType = received.headers['content-type'] ?? '';
  const form = contentType.startsWith('multipart/') ? readForm(contentType, received.body) : NO_FORM;
  const parsed: Json | undefined =
    received.body.length === 0 || form !== NO_FORM ? undefined : parseJson(received.body.toString('utf8'));
  const json = isObject(parsed) ? parsed : null;
  return {
    received,
    route,
    query: url.searchParams,
    json,
    form,
    deployment: route?.deployment ?? (json ? stringAt(json, 'model') : fieldOf(form, 'model')),
    faultMarker: faultMarkerIn(received),
    wantsCompression: received.headers['x-simulator-compress'] !== undefined || received.body.includes('[[gzip]]'),
    acceptsGzip: /\bgzip\b/.test(String(received.headers['accept-encoding'] ?? '')),
  };
}

/** Of a path as it stands in the request line, where `//host` is a path and no host. */
export function urlOf(path: string): URL {
  return new URL(`http://simulator${path.startsWith('/') ? path : '/'}`);
}

function faultMarkerIn({ headers, body }: Received): string | null {
  const header = headers['x-simulator-fault'];
  if (typeof header === 'string') return header;
  // The last one: in a conversation the latest turn has the word.
  const at = body.lastIndexOf(FAULT_MARK);
  if (at < 0) return null;
  const text = body.subarray(at + FAULT_MARK.length, at + FAULT_MARK.length + LONGEST_FAULT_MARK).toString('utf8');
  const end = text.indexOf(']]');
  return end < 0 ? null : text.slice(0, end);
}
