/**
 * The least that a proxy on Node can be: node:http, the body taken in whole and parsed (it has to know `model` and `stream`),
 * one `undici` request, the answer piped back. With a second upstream it also fails over on a 5xx. Nothing else: no checks,
 * no time-outs, no cancelling.
 *
 *     node floorProxy.js PORT UPSTREAM_PORT [SECOND_UPSTREAM_PORT]
 */
import { createServer } from 'node:http';
import { Pool } from 'undici';

const [port, ...upstreams] = process.argv.slice(2).map(Number);
const [first, second] = upstreams.map((one) => new Pool(`http://127.0.0.1:${one}`));
const HEADERS = { 'content-type': 'application/json', 'api-key': 'key-of-A' };

createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => void relay(Buffer.concat(chunks), response));
}).listen({ port, host: '127.0.0.1', backlog: 1024 }, () => console.log('ready'));

async function relay(body, response) {
  const { model, stream } = JSON.parse(body.toString());
  if (typeof model !== 'string' || (stream !== undefined && typeof stream !== 'boolean')) {
    response.writeHead(400).end();
    return;
  }
  const options = { method: 'POST', path: '/openai/v1/chat/completions', headers: HEADERS, body };
  let answer = await first.request(options);
  if (answer.statusCode >= 500 && second !== undefined) {
    await answer.body.dump();
    answer = await second.request(options);
  }
  const { connection: _, 'transfer-encoding': __, ...headers } = answer.headers;
  response.writeHead(answer.statusCode, headers);
  answer.body.pipe(response);
}
