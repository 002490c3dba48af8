/** The page at `/` and what it loads. It holds no data: that it asks for like anybody else, and anybody may have it. */
import { type Answer, type HeaderList, headerValue } from '../domain/message.ts';
import { takesCoding } from './codings.ts';
import type { ControlRoute } from './controlRoute.ts';

/** Where the page comes from. Nothing is read before somebody wants to see it. */
export interface DashboardFiles {
  /** `null`: it has not been built, and cannot be here. */
  load(): Promise<Dashboard | null>;
}

export interface Dashboard {
  readonly page: DashboardFile;
  /** By name; the name holds a digest of what is inside. */
  readonly assets: ReadonlyMap<string, DashboardFile>;
}

export interface DashboardFile {
  readonly contentType: string;
  /** A strong one: the same bytes, the same tag. */
  readonly etag: string;
  readonly plain: Buffer;
  readonly packed: { readonly br: Buffer; readonly gzip: Buffer };
}

export const ASSETS = '/router/assets/';

const SAFE = ['x-content-type-options', 'nosniff', 'referrer-policy', 'no-referrer', 'vary', 'accept-encoding'];

/** No script, style, font or picture but the page's own, no other origin to talk to, and no frame around it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PAGE_HEADERS = [...SAFE, 'content-security-policy', POLICY, 'cache-control', 'no-cache'];
const ASSET_HEADERS = [...SAFE, 'cache-control', 'public, max-age=31536000, immutable'];

export function pageRoutes(files: DashboardFiles): ControlRoute[] {
  return [
    {
      method: 'GET',
      path: /^\/$/,
      open: true,
      answer: async ({ request }) => {
        const dashboard = await files.load();
        return dashboard === null ? UNBUILT : fileAnswer(dashboard.page, request.headers, PAGE_HEADERS);
      },
    },
    {
      method: 'GET',
      path: /^\/router\/assets\/([\w.-]+)$/,
      open: true,
      answer: async ({ request, caught }) => {
        const file = (await files.load())?.assets.get(caught);
        return file === undefined ? MISSING : fileAnswer(file, request.headers, ASSET_HEADERS);
      },
    },
  ];
}

function fileAnswer(file: DashboardFile, asked: HeaderList, headers: HeaderList): Answer {
  const coding = (['br', 'gzip'] as const).find((one) => takesCoding(asked, one) === true);
  const etag = coding === undefined ? file.etag : file.etag.replace(/"$/, `-${coding}"`);
  const tagged = ['etag', etag, ...headers];
  if (headerValue(asked, 'if-none-match')?.includes(etag) === true) return { status: 304, headers: tagged, body: null };
  const told = ['content-type', file.contentType, ...tagged];
  if (coding === undefined) return { status: 200, headers: told, body: file.plain };
  return { status: 200, headers: [...told, 'content-encoding', coding], body: file.packed[coding] };
}

const UNBUILT: Answer = {
  status: 200,
  headers: [
    'content-type',
    'text/html; charset=utf-8',
    ...SAFE,
    'content-security-policy',
    POLICY,
    'cache-control',
    'no-store',
  ],
  body: Buffer.from(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Azure OpenAI router</title></head><body><main>
<h1>The router is running</h1>
<p>Its dashboard has not been built. <code>npm run build</code> builds it; with the development dependencies installed (<code>npm ci</code>) that happens by itself.</p>
<p>The same in JSON, with the admin key: <code>GET /router/status</code>.</p></main></body></html>
`),
};

const MISSING: Answer = {
  status: 404,
  headers: ['content-type', 'text/plain; charset=utf-8', ...SAFE, 'cache-control', 'no-store'],
  body: Buffer.from(
    'There is no such file; a page that was loaded before the router was updated has to be loaded again.\n',
  ),
};
