/** The floor inside `@azure/functions`: a handler with nothing of its own between the library and `undici`. */
import { app } from '@azure/functions';
import { Pool } from 'undici';

const upstream = new Pool(`http://127.0.0.1:${process.env['UPSTREAM_PORT']}`);
const HEADERS = { 'content-type': 'application/json', 'api-key': 'key-of-A' };

app.setup({ enableHttpStream: true });
app.http('proxy', { route: '{*path}', methods: ['POST'], authLevel: 'anonymous', handler: relay });

/** @param {import('@azure/functions').HttpRequest} request */
async function relay(request) {
  const body = Buffer.from(await request.arrayBuffer());
  const { stream } = JSON.parse(body.toString());
  const answer = await upstream.request({
    method: 'POST',
    path: '/openai/v1/chat/completions',
    headers: HEADERS,
    body,
  });
  const { connection: _, 'transfer-encoding': __, ...headers } = answer.headers;
  return { status: answer.statusCode, headers, body: stream === true ? answer.body : await answer.body.arrayBuffer() };
}
