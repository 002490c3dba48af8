import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { buildDashboard } from '../../src/dashboardBuild.ts';
import { dashboardOf } from '../../src/dashboardFiles.ts';
import type { Answer } from '../../src/domain/message.ts';
import type { App } from '../../src/http/app.ts';
import { configOf, fleet } from '../harness/router.ts';
import { appFor, ask } from './ask.ts';

const CONFIG = configOf(fleet(['https://a.openai.azure.com', 'https://b.openai.azure.com']));
const SHUT = { adminKey: 'admin', callerKeys: ['caller'], loopbackOnly: false };

const { files } = await buildDashboard(new URL('../..', import.meta.url).pathname);
const dashboard = dashboardOf(files);
const [script = ''] = [...files.keys()].filter((name) => name.endsWith('.js'));
const [style = ''] = [...files.keys()].filter((name) => name.endsWith('.css'));

const served = (): App => appFor(CONFIG, [], SHUT, () => 0.5, dashboard).app;

async function bytes(
  app: App,
  target: string,
  headers: readonly string[] = [],
): Promise<Answer & { body: Buffer | null }> {
  const answer = await app.handle({
    method: 'GET',
    target,
    headers,
    source: '203.0.113.9',
    caller: { gone: false, onGone: () => () => undefined },
    readBody: () => Promise.resolve(Buffer.alloc(0)),
  });
  if (answer.body !== null && !Buffer.isBuffer(answer.body)) throw new Error('a file is answered whole');
  return { ...answer, body: answer.body };
}

describe('the page', () => {
  test('is given to anybody, holds no data, and lets nothing in from elsewhere', async () => {
    const { status, text, headers } = await ask(served(), { target: '/' });
    expect(status).toBe(200);
    expect(text).not.toMatch(/gpt-4\.1|https?:\/\/(?!www\.w3\.org)|\sstyle=|\son\w+=|<script>|<style/);
    expect(text).toContain(`src="/router/assets/${script}"`);
    expect(text).toContain(`href="/router/assets/${style}"`);
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-cache');
  });

  test('says what to do where it has not been built', async () => {
    const { app } = appFor(CONFIG, [], SHUT);
    const { status, text, headers } = await ask(app, { target: '/' });
    expect(status).toBe(200);
    expect(text).toContain('npm run build');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect((await ask(app, { target: `/router/assets/${script}` })).status).toBe(404);
  });

  test('answers HEAD without a body', async () => {
    expect(await ask(served(), { method: 'HEAD', target: '/' })).toMatchObject({ status: 200, text: '' });
  });
});

describe('what the page loads', () => {
  test.each([
    { name: script, type: 'text/javascript; charset=utf-8' },
    { name: style, type: 'text/css; charset=utf-8' },
  ])('$name is given to anybody, to be kept for good', async ({ name, type }) => {
    const { status, headers } = await ask(served(), { target: `/router/assets/${name}` });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe(type);
    expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(headers.get('vary')).toBe('accept-encoding');
  });

  test.each([
    { accepts: 'gzip, deflate, br', coding: 'br', unpacked: brotliDecompressSync },
    { accepts: 'gzip', coding: 'gzip', unpacked: gunzipSync },
    { accepts: 'br;q=0, GZIP;q=0.5', coding: 'gzip', unpacked: gunzipSync },
    { accepts: 'identity', coding: undefined, unpacked: (body: Buffer) => body },
    { accepts: 'br;q=0.0', coding: undefined, unpacked: (body: Buffer) => body },
  ])('is packed as $coding for those who accept "$accepts"', async ({ accepts, coding, unpacked }) => {
    const { headers, body } = await bytes(served(), `/router/assets/${script}`, ['accept-encoding', accepts]);
    const place = headers.indexOf('content-encoding');
    expect(place === -1 ? undefined : headers[place + 1]).toBe(coding);
    expect(unpacked(body ?? Buffer.alloc(0)).equals(files.get(script) ?? Buffer.alloc(0))).toBe(true);
  });

  test.each(['br', 'gzip', 'identity'])('is not sent again to those who have it as %s', async (accepts) => {
    for (const target of ['/', `/router/assets/${script}`]) {
      const first = await bytes(served(), target, ['accept-encoding', accepts]);
      const etag = first.headers[first.headers.indexOf('etag') + 1] ?? '';
      const again = await bytes(served(), target, ['accept-encoding', accepts, 'if-none-match', etag]);
      expect(again).toMatchObject({ status: 304, body: null });
      const other = await bytes(served(), target, ['accept-encoding', accepts, 'if-none-match', '"other"']);
      expect(other.status).toBe(200);
    }
  });

  test.each(['nothing.js', `${script}.br`, 'index.html', '..%2Findex.html', 'LICENSES.txt'])(
    'is not %s',
    async (name) => {
      expect((await ask(served(), { target: `/router/assets/${name}` })).status).toBe(404);
    },
  );
});
