/** The address of an endpoint: where it is, and what stands before `/openai`. */

export type ReadUrl =
  | { readonly ok: true; readonly origin: string; readonly basePath: string }
  | { readonly ok: false; readonly problem: string; readonly allowed: string; readonly suggestion: string | null };

const ALLOWED = 'an address such as "https://one.openai.azure.com", without query or credentials';

/** How much of the address is the endpoint's own: Azure's up to `/openai`, of plain OpenAI all that a client takes as base URL. */
export type Flavour = 'azure' | 'openai';

export function readUrl(written: string, allowInsecure: boolean, flavour: Flavour = 'azure'): ReadUrl {
  const text = written.trim();
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return withoutScheme(text);
  const url = URL.parse(text);
  if (url === null) return wrong('This is not the address of an endpoint.', null);
  const basePath = flavour === 'openai' ? baseOf(url) : pathOf(url);
  const base = `${url.origin}${basePath}`;
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return wrong('Only https:// and http:// can be spoken.', `https://${url.host}`);
  if (url.username !== '' || url.password !== '') {
    return wrong('The address carries credentials, which belong in "apiKey".', base);
  }
  if (url.search !== '' || url.hash !== '') return wrong('The address goes on after its path.', base);
  const operation = /\/(chat\/completions|completions|embeddings|responses|models)$/.exec(basePath);
  if (flavour === 'openai' && operation !== null) {
    return wrong('This is the address of one operation, not of the API.', base.slice(0, -operation[0].length));
  }
  if (/\/openai\/(v1|deployments|responses|models)(\/|$)/.test(basePath) && flavour === 'azure') {
    return wrong('This is the address of one operation, not of the resource.', base.slice(0, base.indexOf('/openai/')));
  }
  if (url.protocol === 'http:' && !allowInsecure && !isLoopback(url.hostname)) {
    return {
      ok: false,
      problem: 'The key would travel to another machine in clear.',
      allowed: 'https://, or http:// to this machine, or "allowInsecure": true beside it',
      suggestion: base.replace('http:', 'https:'),
    };
  }
  return { ok: true, origin: url.origin, basePath };
}

function wrong(problem: string, suggestion: string | null): ReadUrl {
  return { ok: false, problem, allowed: ALLOWED, suggestion };
}

function withoutScheme(text: string): ReadUrl {
  const looksLikeHost = /^[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?(\/\S*)?$/i.test(text);
  const url = looksLikeHost ? URL.parse(`https://${text}`) : null;
  return wrong('This is not the address of an endpoint.', url === null ? null : `${url.origin}${pathOf(url)}`);
}

/** The portal shows the address with `/openai/v1` behind it; the router writes that part itself. */
function pathOf(url: URL): string {
  return url.pathname
    .replace(/\/+$/, '')
    .replace(/\/openai(\/v1)?$/, '')
    .replace(/\/+$/, '');
}

/** OpenAI's own address is often written without the version that belongs to it. */
function baseOf(url: URL): string {
  const path = url.pathname.replace(/\/+$/, '');
  return path === '' && url.hostname === 'api.openai.com' ? '/v1' : path;
}

function isLoopback(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
