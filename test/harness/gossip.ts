/** An endpoint whose every answer, good or bad, is full of what must not be told on. What it does is in its deployments' names. */
import type { ServerResponse } from 'node:http';
import { azureError, chunk, DONE, hang, json, type Received, type Script, stream, throttled } from './upstream.ts';

export const DEPLOYMENTS = [
  'ok',
  'throttled',
  'failing',
  'truncated',
  'early',
  'breaking',
  'allThrottled',
  'allForbidden',
  'filtered',
  'refusing',
  'silent',
  'html',
] as const;
export type Gossiping = (typeof DEPLOYMENTS)[number];

const USAGE = { prompt_tokens: 50, completion_tokens: 20, input_tokens: 50, output_tokens: 20, total_tokens: 70 };

/** `isFirst`: of two endpoints the one that has the trouble; the other is well. */
export function gossip(completion: string, isFirst: boolean): Script {
  const well: Script = (request, response) => answer(completion, request, response);
  const trouble = troubles(completion);
  return (request, response) => {
    const { model } = bodyOf(request);
    const own = trouble[model as Gossiping] ?? { both: false, script: well };
    (isFirst || own.both ? own.script : well)(request, response);
  };
}

function bodyOf({ body }: Received): { readonly model?: string; readonly stream?: boolean } {
  return body.length === 0 ? {} : (JSON.parse(body.toString()) as { model?: string; stream?: boolean });
}

function answer(completion: string, request: Received, response: ServerResponse): void {
  const isResponse = request.url.includes('/responses');
  if (bodyOf(request).stream === true) {
    const last = `data: ${JSON.stringify({ model: 'm', choices: [], usage: USAGE })}\n\n`;
    return stream([chunk('It was said: '), chunk(completion), last, DONE])(request, response);
  }
  const message = { role: 'assistant', content: completion };
  const whole = isResponse
    ? { id: 'resp_0123456789', object: 'response', output: [{ type: 'message', content: completion }] }
    : { id: 'c', model: 'm', choices: [{ index: 0, message, finish_reason: 'stop' }] };
  json(200, { ...whole, usage: USAGE }, { 'set-cookie': 'session=of-the-endpoint' })(request, response);
}

interface Trouble {
  /** Both endpoints have it. */
  readonly both: boolean;
  readonly script: Script;
}

function troubles(completion: string): Partial<Record<Gossiping, Trouble>> {
  const quoting = `Your request said: ${completion}`;
  const page = Buffer.from(`<html><body>${quoting}</body></html>`);
  return {
    throttled: { both: false, script: throttled({ 'retry-after-ms': '60000', 'x-quote': 'none' }) },
    failing: { both: false, script: azureError(500, 'InternalServerError', quoting) },
    truncated: { both: false, script: cutShort(`{"model":"m","choices":[{"message":{"content":"${completion}`) },
    early: { both: false, script: stream([`data: {"error":{"code":"500","message":"${quoting}"}}\n\n`]) },
    breaking: { both: true, script: stream([chunk('It was said: '), chunk(completion)], 'reset') },
    allThrottled: { both: true, script: azureError(429, '429', quoting) },
    allForbidden: { both: true, script: azureError(401, 'PermissionDenied', quoting) },
    filtered: { both: true, script: azureError(400, 'content_filter', quoting) },
    refusing: { both: true, script: azureError(400, 'invalid_value', quoting) },
    silent: { both: true, script: hang },
    html: {
      both: false,
      script: (_, response) => void response.writeHead(503, { 'content-type': 'text/html' }).end(page),
    },
  };
}

function cutShort(text: string): Script {
  return (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(text.length + 100) });
    response.write(text, () => response.destroy());
  };
}
