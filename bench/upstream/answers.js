/** What the fake deployment says, made once: the bench's time belongs to the proxies. */

const CHUNK_LETTERS = 24;

/** As Azure OpenAI's front end sends them; a proxy has to carry them all. */
const HEADERS = [
  'x-ratelimit-limit-requests: 5000',
  'x-ratelimit-limit-tokens: 5000000',
  'x-ratelimit-remaining-requests: 4999',
  'x-ratelimit-remaining-tokens: 4998211',
  'x-ratelimit-reset-requests: 0',
  'x-ratelimit-reset-tokens: 0',
  'apim-request-id: 5f0a4b5e-6a77-4e3f-b0a5-1f0c4c1c9a42',
  'x-ms-client-request-id: 5f0a4b5e-6a77-4e3f-b0a5-1f0c4c1c9a42',
  'x-request-id: 0d6be9a8-1f9f-4f5f-8e6f-6d1d7b1c3f11',
  'x-ms-region: East US 2',
  'x-ms-rai-invoked: true',
  'x-ms-deployment-name: gpt-4.1',
  'x-content-type-options: nosniff',
  'strict-transport-security: max-age=31536000; includeSubDomains; preload',
  'date: Thu, 01 Jan 2026 00:00:00 GMT',
];

function head(statusLine, headers) {
  return `HTTP/1.1 ${statusLine}\r\n${[...headers, ...HEADERS].join('\r\n')}\r\n\r\n`;
}

function whole(statusLine, value) {
  const body = JSON.stringify(value);
  return Buffer.from(head(statusLine, ['content-type: application/json', `content-length: ${body.length}`]) + body);
}

/** About 1 KB of JSON. */
export const COMPLETION = whole('200 OK', {
  id: 'chatcmpl-BqJ6lWQ7m0Zr5gqHn9tXv2cYk3eUa',
  object: 'chat.completion',
  created: 1_767_225_600,
  model: 'gpt-4.1-2025-04-14',
  system_fingerprint: 'fp_07e970ab25',
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content: 'Lorem ipsum dolor sit amet. '.repeat(15),
        refusal: null,
        annotations: [],
      },
      finish_reason: 'stop',
      logprobs: null,
    },
  ],
  usage: {
    prompt_tokens: 120,
    completion_tokens: 96,
    total_tokens: 216,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  },
});

export const FAILURE = whole('503 Service Unavailable', {
  error: {
    message: 'The service is temporarily unavailable.',
    type: 'server_error',
    code: 'ServiceUnavailable',
    param: null,
  },
});

export const STREAM_HEAD = Buffer.from(
  head('200 OK', [
    'content-type: text/event-stream; charset=utf-8',
    'cache-control: no-cache',
    'transfer-encoding: chunked',
  ]),
);

function event(delta, finish) {
  const chunk = {
    id: 'chatcmpl-BqJ6lWQ7m0Zr5gqHn9tXv2cYk3eUa',
    object: 'chat.completion.chunk',
    created: 1_767_225_600,
    model: 'gpt-4.1-2025-04-14',
    system_fingerprint: 'fp_07e970ab25',
    choices: [{ index: 0, delta, finish_reason: finish, logprobs: null }],
  };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

function frame(text) {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}

export const FIRST_CHUNK = frame(event({ role: 'assistant', content: 'Lorem' }, null));
export const CHUNK = frame(event({ content: 'x'.repeat(CHUNK_LETTERS) }, null));
export const LAST_CHUNK = Buffer.concat([frame(`${event({}, 'stop')}data: [DONE]\n\n`), Buffer.from('0\r\n\r\n')]);

/** A stream without pauses, as one piece: it leaves in as few packets as there is room for. */
export function burst(chunks) {
  const middle = Array.from({ length: chunks - 2 }, () => CHUNK);
  return Buffer.concat([STREAM_HEAD, FIRST_CHUNK, ...middle, LAST_CHUNK]);
}
