import { describe, expect, test } from 'vitest';
import { scanBody } from '../../src/body/fields.ts';
import { readForm } from '../../src/body/multipart.ts';
import type { Deployment, Dialect, Endpoint } from '../../src/domain/deployment.ts';
import type { Target } from '../../src/domain/target.ts';
import { type Payload, renderBody as rendered, renderPath, usageAsked } from '../../src/upstream/dialect.ts';

const DATED: Dialect = { kind: 'dated', apiVersion: '2025-01-01-preview' };
const V1: Dialect = { kind: 'v1' };

function endpoint(dialect: Dialect, basePath = ''): Endpoint {
  return {
    name: 'A',
    origin: 'https://a.openai.azure.com',
    basePath,
    credential: { kind: 'apiKey', apiKey: 'k' },
    dialect,
    region: null,
  };
}

function deployment(name: string): Deployment {
  return { id: `A/${name}`, endpoint: 'A', name, model: null, kind: 'standard', price: null };
}

const operation = (name: string, by: 'path' | 'body' = 'path'): Target => ({
  kind: 'deployment',
  operation: name,
  namedBy: by,
  name: 'pool',
});

describe('renderPath', () => {
  const version = 'api-version=2025-01-01-preview';
  test.each<{ what: string; target: Target; dated: string; v1: string; named?: string }>([
    {
      what: 'a chat',
      target: operation('chat/completions'),
      dated: `/openai/deployments/gpt/chat/completions?${version}`,
      v1: '/openai/v1/chat/completions',
    },
    {
      what: 'a chat named in the body',
      target: operation('chat/completions', 'body'),
      dated: `/openai/deployments/gpt/chat/completions?${version}`,
      v1: '/openai/v1/chat/completions',
    },
    {
      what: 'embeddings',
      target: operation('embeddings'),
      dated: `/openai/deployments/gpt/embeddings?${version}`,
      v1: '/openai/v1/embeddings',
    },
    {
      what: 'a transcription',
      target: operation('audio/transcriptions'),
      dated: `/openai/deployments/gpt/audio/transcriptions?${version}`,
      v1: '/openai/v1/audio/transcriptions',
    },
    {
      what: 'a response, named in the body under both',
      target: operation('responses'),
      dated: `/openai/responses?${version}`,
      v1: '/openai/v1/responses',
    },
    {
      what: 'compaction of a response',
      target: operation('responses/compact'),
      dated: `/openai/responses/compact?${version}`,
      v1: '/openai/v1/responses/compact',
    },
    {
      what: 'a stored response',
      target: { kind: 'response', id: 'resp_1', rest: '' },
      dated: `/openai/responses/resp_1?${version}`,
      v1: '/openai/v1/responses/resp_1',
    },
    {
      what: 'a part of a stored response',
      target: { kind: 'response', id: 'resp_1', rest: '/input_items' },
      dated: `/openai/responses/resp_1/input_items?${version}`,
      v1: '/openai/v1/responses/resp_1/input_items',
    },
    {
      what: 'the models',
      target: { kind: 'models', id: null },
      dated: `/openai/models?${version}`,
      v1: '/openai/v1/models',
    },
    {
      what: 'a model',
      target: { kind: 'models', id: 'a/b' },
      dated: `/openai/models/a%2Fb?${version}`,
      v1: '/openai/v1/models/a%2Fb',
    },
    {
      what: 'a file',
      target: { kind: 'other', path: 'files/f-1/content', name: null },
      dated: `/openai/files/f-1/content?${version}`,
      v1: '/openai/v1/files/f-1/content',
    },
    {
      what: 'something new of a deployment',
      target: { kind: 'other', path: 'extensions/x', name: 'pool' },
      dated: `/openai/deployments/gpt/extensions/x?${version}`,
      v1: '/openai/v1/extensions/x',
    },
    {
      what: 'a name that must be encoded',
      named: 'my gpt/4?ü#',
      target: operation('chat/completions'),
      dated: `/openai/deployments/my%20gpt%2F4%3F%C3%BC%23/chat/completions?${version}`,
      v1: '/openai/v1/chat/completions',
    },
  ])('puts $what where the endpoint offers it', ({ target, dated, v1, named = 'gpt' }) => {
    expect(renderPath(target, endpoint(DATED), deployment(named), '')).toBe(dated);
    expect(renderPath(target, endpoint(V1), deployment(named), '')).toBe(v1);
    expect(renderPath(target, endpoint(DATED, '/apim/openai-x'), deployment(named), '')).toBe(`/apim/openai-x${dated}`);
    expect(renderPath(target, endpoint(V1, '/apim'), deployment(named), '')).toBe(`/apim${v1}`);
  });

  test.each([
    { what: 'nothing', query: '', dated: version, v1: '' },
    { what: "the caller's version", query: 'api-version=2023-05-15', dated: version, v1: '' },
    { what: 'the version in other case and encoding', query: 'API%2DVersion=2023-05-15', dated: version, v1: '' },
    { what: 'the preview of v1', query: 'api-version=preview', dated: version, v1: 'api-version=preview' },
    { what: 'the latest of v1', query: 'api-version=latest', dated: version, v1: 'api-version=latest' },
    {
      what: 'what it does not know',
      query: 'include%5B%5D=a&x=1',
      dated: `${version}&include%5B%5D=a&x=1`,
      v1: 'include%5B%5D=a&x=1',
    },
    {
      what: 'doubled parameters, in order',
      query: 'x=1&api-version=v&x=2&x=',
      dated: `${version}&x=1&x=2&x=`,
      v1: 'x=1&x=2&x=',
    },
    { what: "keys of the front door: the host's code", query: 'code=secret&x=1', dated: `${version}&x=1`, v1: 'x=1' },
    { what: "keys of the front door: API Management's", query: 'subscription-key=secret', dated: version, v1: '' },
    { what: "the caller's own key", query: 'api-key=secret&x=1&API-Key=secret', dated: `${version}&x=1`, v1: 'x=1' },
    { what: 'a key whose name is encoded', query: 'api%2Dkey=secret', dated: version, v1: '' },
    { what: 'empty pairs', query: '&&x&', dated: `${version}&x`, v1: 'x' },
    { what: 'a parameter that is encoded wrongly', query: '%zz=1', dated: `${version}&%zz=1`, v1: '%zz=1' },
    {
      what: 'a name that only begins alike',
      query: 'coder=1&api-versions=2',
      dated: `${version}&coder=1&api-versions=2`,
      v1: 'coder=1&api-versions=2',
    },
  ])('makes of a query with $what what the endpoint may have', ({ query, dated, v1 }) => {
    const target: Target = { kind: 'models', id: null };
    expect(renderPath(target, endpoint(DATED), deployment('gpt'), query)).toBe(`/openai/models?${dated}`);
    expect(renderPath(target, endpoint(V1), deployment('gpt'), query)).toBe(
      `/openai/v1/models${v1 === '' ? '' : `?${v1}`}`,
    );
  });
});

function json(text: string): Payload {
  const bytes = Buffer.from(text);
  const scan = scanBody(bytes, 10);
  if (!scan.ok) throw new Error(scan.problem);
  return { kind: 'json', bytes, fields: scan.fields };
}

function renderBody(target: Target, payload: Payload, dialect: Dialect, to: Deployment) {
  return rendered({ target, payload, dialect, deployment: to, asking: [] });
}

describe('renderBody', () => {
  const pooled = '{"model": "pool", "seed":9007199254740993}';
  const named = '{"model": "gpt", "seed":9007199254740993}';
  test.each<{ what: string; target: Target; text: string; dated: string; v1: string }>([
    { what: 'a chat', target: operation('chat/completions'), text: pooled, dated: pooled, v1: named },
    { what: 'a response', target: operation('responses'), text: pooled, dated: named, v1: named },
    {
      what: 'a chat whose body names no model',
      target: operation('chat/completions'),
      text: '{"n":1}',
      dated: '{"n":1}',
      v1: '{"model":"gpt","n":1}',
    },
    { what: 'an empty body', target: operation('chat/completions'), text: '{}', dated: '{}', v1: '{"model":"gpt"}' },
    {
      what: 'a body that names it twice',
      target: operation('responses'),
      text: '{"model":"a","model":"gpt"}',
      dated: '{"model":"gpt","model":"gpt"}',
      v1: '{"model":"gpt","model":"gpt"}',
    },
  ])('names the deployment in $what where the dialect wants it there', ({ target, text, dated, v1 }) => {
    expect(renderBody(target, json(text), DATED, deployment('gpt'))?.toString()).toBe(dated);
    expect(renderBody(target, json(text), V1, deployment('gpt'))?.toString()).toBe(v1);
  });

  test('hands on the very bytes where they name the deployment already', () => {
    const payload = json(named);
    expect(renderBody(operation('responses'), payload, V1, deployment('gpt'))).toBe(
      payload.kind === 'json' ? payload.bytes : null,
    );
  });

  test('names the deployment in a form', () => {
    const bytes = Buffer.from('--b\r\nContent-Disposition: form-data; name="model"\r\n\r\npool\r\n--b--\r\n');
    const form = readForm(bytes, 'multipart/form-data; boundary=b');
    if (form === null) throw new Error('no form');
    const payload: Payload = { kind: 'form', bytes, form };
    expect(renderBody(operation('audio/transcriptions'), payload, DATED, deployment('whisper'))).toBe(bytes);
    expect(renderBody(operation('audio/transcriptions'), payload, V1, deployment('whisper'))?.toString()).toBe(
      bytes.toString().replace('pool', 'whisper'),
    );
  });

  test('leaves bytes alone that it does not know, and sends none where there are none', () => {
    const bytes = Buffer.from([1, 2, 3]);
    expect(
      renderBody({ kind: 'other', path: 'files', name: null }, { kind: 'opaque', bytes }, V1, deployment('gpt')),
    ).toBe(bytes);
    expect(renderBody({ kind: 'response', id: 'r', rest: '' }, { kind: 'none' }, V1, deployment('gpt'))).toBeNull();
  });
});

describe('usageAsked', () => {
  const CHAT = operation('chat/completions');
  const endpointOf = (dialect: Dialect) => ({ dialect }) as Endpoint;
  const askedBody = (text: string, target = CHAT, dialect: Dialect = V1) => {
    const payload = json(text);
    const asking = usageAsked(target, payload, endpointOf(dialect));
    const parts = { target, payload, dialect, deployment: deployment('gpt') };
    return asking === null ? null : rendered({ ...parts, asking })?.toString();
  };

  test.each([
    {
      what: 'put in where there are no options',
      text: '{"model":"gpt","stream":true}',
      asked: '{"stream_options":{"include_usage":true},"model":"gpt","stream":true}',
    },
    {
      what: 'put in beside the name of the deployment',
      text: '{"stream":true,"seed":9007199254740993,"model":"pool"}',
      asked: '{"stream_options":{"include_usage":true},"stream":true,"seed":9007199254740993,"model":"gpt"}',
    },
    {
      what: 'put in with a name that is missing',
      text: '{"stream":true}',
      asked: '{"model":"gpt","stream_options":{"include_usage":true},"stream":true}',
    },
    {
      what: 'put in front of other options',
      text: '{"stream":true,"model":"gpt","stream_options":{"include_obfuscation":false,"n":9007199254740993}}',
      asked:
        '{"stream":true,"model":"gpt","stream_options":{"include_usage":true,"include_obfuscation":false,"n":9007199254740993}}',
    },
    {
      what: 'put into empty options',
      text: '{"stream":true,"stream_options":{ },"model":"gpt"}',
      asked: '{"stream":true,"stream_options":{"include_usage":true },"model":"gpt"}',
    },
    {
      what: 'put in the place of a no',
      text: '{"stream":true,"stream_options":{"include_usage":false,"a":1},"model":"gpt"}',
      asked: '{"stream":true,"stream_options":{"include_usage":true,"a":1},"model":"gpt"}',
    },
    {
      what: 'put in the place of null',
      text: '{"stream":true,"stream_options":null,"model":"gpt"}',
      asked: '{"stream":true,"stream_options":{"include_usage":true},"model":"gpt"}',
    },
  ])('is $what', ({ text, asked }) => {
    expect(askedBody(text)).toBe(asked);
  });

  test('is nothing where the caller asked itself', () => {
    const text = '{"stream":true,"stream_options":{"include_usage":true},"model":"gpt"}';
    expect(askedBody(text)).toBe(text);
  });

  test.each([
    { what: 'an answer in one piece', text: '{"model":"gpt"}', target: CHAT, dialect: V1 },
    { what: 'options that are none', text: '{"stream":true,"stream_options":7}', target: CHAT, dialect: V1 },
    { what: 'a response', text: '{"stream":true}', target: operation('responses'), dialect: V1 },
    {
      what: 'a version from before',
      text: '{"stream":true}',
      target: CHAT,
      dialect: { kind: 'dated' as const, apiVersion: '2024-06-01' },
    },
  ])('is not done for $what', ({ text, target, dialect }) => {
    expect(askedBody(text, target, dialect)).toBeNull();
  });
});

describe('plain OpenAI', () => {
  const PLAIN: Dialect = { kind: 'openai' };
  const at = { origin: 'https://x', basePath: '/v1', dialect: PLAIN } as Endpoint;

  test.each<{ what: string; target: Target; query: string; path: string }>([
    {
      what: 'a chat',
      target: operation('chat/completions'),
      query: 'api-version=2024-10-21',
      path: '/v1/chat/completions',
    },
    {
      what: 'a chat of the v1 preview',
      target: operation('chat/completions'),
      query: 'api-version=preview',
      path: '/v1/chat/completions',
    },
    {
      what: 'a stored response',
      target: { kind: 'response', id: 'resp_1', rest: '' },
      query: 'include=x',
      path: '/v1/responses/resp_1?include=x',
    },
    { what: 'a file', target: { kind: 'other', path: 'files/f', name: null }, query: '', path: '/v1/files/f' },
  ])('is asked for $what from its base URL on', ({ target, query, path }) => {
    expect(renderPath(target, at, deployment('gpt-4.1'), query)).toBe(path);
  });

  test('is told the model in the body', () => {
    const body = renderBody(operation('chat/completions'), json('{"model":"pool"}'), PLAIN, deployment('gpt-4.1'));
    expect(body?.toString()).toBe('{"model":"gpt-4.1"}');
  });
});
