/** The requests of a measurement as bytes, made before it starts. */

/**
 * @typedef {object} RequestShape
 * @property {number} port
 * @property {Readonly<Record<string, string>>} headers What this proxy needs beside the headers every client sends.
 * @property {string} model
 * @property {'chat' | 'image'} content
 * @property {number} bytes About how long the body is to be.
 * @property {{ chunks: number, intervalMs: number } | null} stream
 */

/** Different prompts, so that nothing could be answered from a cache. Huge bodies are few, for the memory's sake. */
const VARIANTS = 64;
const VARIANT_BYTES = 24 * 1024 * 1024;

/** What a stock OpenAI client for Node sends. */
const CLIENT_HEADERS = {
  accept: 'application/json',
  'content-type': 'application/json',
  'user-agent': 'OpenAI/JS 7.55.0',
  'x-stainless-retry-count': '0',
  'x-stainless-timeout': '600',
  'x-stainless-lang': 'js',
  'x-stainless-package-version': '7.55.0',
  'x-stainless-os': 'Linux',
  'x-stainless-arch': 'x64',
  'x-stainless-runtime': 'node',
  'x-stainless-runtime-version': 'v24.0.0',
};

const SENTENCE = 'The patient was seen for a follow-up of type 2 diabetes; "HbA1c" was 7.2 %.\nNo new complaints. ';
const MESSAGE_BYTES = 2_000;

/** @param {RequestShape} shape */
export function requestsFor(shape) {
  const count = Math.max(1, Math.min(VARIANTS, Math.floor(VARIANT_BYTES / shape.bytes)));
  return Array.from({ length: count }, (_, index) => request(shape, index));
}

function request(shape, index) {
  const body = JSON.stringify(bodyOf(shape, index));
  const headers = {
    host: `127.0.0.1:${shape.port}`,
    ...CLIENT_HEADERS,
    ...shape.headers,
    'content-length': String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST /v1/chat/completions HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}

function bodyOf({ model, stream, content, bytes }, index) {
  const steering = stream === null ? {} : { stream: true, user: `c${stream.chunks}i${stream.intervalMs}` };
  const system = { role: 'system', content: `You code medical notes. Case ${index}.` };
  const messages = content === 'image' ? [system, imageMessage(bytes, index)] : [system, ...chatMessages(bytes)];
  return { model, ...steering, temperature: 0.2, max_tokens: 400, messages };
}

function chatMessages(bytes) {
  const count = Math.max(1, Math.round(bytes / MESSAGE_BYTES));
  const text = SENTENCE.repeat(Math.ceil(Math.min(bytes, MESSAGE_BYTES) / SENTENCE.length));
  return Array.from({ length: count }, (_, at) => ({ role: at % 2 === 0 ? 'user' : 'assistant', content: text }));
}

function imageMessage(bytes, index) {
  const image = Buffer.alloc(Math.round((bytes * 3) / 4), index + 1);
  // Some variety in the alphabet: a run of one letter could be scanned faster than any picture.
  for (let at = 0; at < image.length; at += 1) image[at] = (at * 31 + index * 7) & 0xff;
  const url = `data:image/png;base64,${image.toString('base64')}`;
  return {
    role: 'user',
    content: [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url } },
    ],
  };
}
