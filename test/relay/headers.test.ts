import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { downwardHeaders, firstValue, upwardHeaders } from '../../src/relay/headers.ts';

const AS_IS = { uncompressed: false };

/** The same name in the cases that clients write. */
function cases(name: string): string[] {
  return [
    name,
    name.toUpperCase(),
    name.replaceAll(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase()),
  ];
}

const UP_STAYS = {
  'of one connection': [
    'connection',
    'keep-alive',
    'proxy-authorization',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'http2-settings',
  ],
  'written anew': ['host', 'content-length', 'expect', 'max-forwards'],
  'a credential': ['authorization', 'api-key', 'x-api-key', 'x-functions-key', 'ocp-apim-subscription-key', 'cookie'],
  'the router’s own': [
    'x-agent-name',
    'x-creator',
    'x-operation',
    'x-router-tier',
    'x-router-failover',
    'x-router-anything',
  ],
  'of the journey here': [
    'forwarded',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-real-ip',
    'x-arr-ssl',
    'x-azure-clientip',
    'x-ms-client-principal',
    'x-ms-client-principal-name',
    'x-ms-token-aad-id-token',
    'x-ms-invocation-id',
    'x-original-url',
    'client-ip',
    'disguised-host',
  ],
};
const UP_TRAVELS = [
  'content-type',
  'accept',
  'accept-encoding',
  'user-agent',
  'openai-organization',
  'x-ms-client-request-id',
  'traceparent',
  'idempotency-key',
  'x-stainless-lang',
  'x-made-up',
  'extra',
  'hostess',
  'x-routers',
];

const DOWN_STAYS = [
  'connection',
  'keep-alive',
  'transfer-encoding',
  'trailer',
  'upgrade',
  'proxy-authenticate',
  'content-length',
  'strict-transport-security',
  'alt-svc',
  'api-key',
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'x-functions-key',
  'ocp-apim-subscription-key',
  'cookie',
  'x-router-deployment',
  'x-router-request-id',
];
const DOWN_TRAVELS = [
  'content-type',
  'content-encoding',
  'retry-after',
  'retry-after-ms',
  'x-ratelimit-remaining-tokens',
  'apim-request-id',
  'x-ms-region',
  'openai-processing-ms',
  'azure-openai-deployment-utilization',
  'etag',
  'cache-control',
  'date',
  'x-request-id',
  'www-authenticate',
  'set-cookie',
];

describe('upwardHeaders', () => {
  const stays = Object.entries(UP_STAYS).flatMap(([why, names]) => names.map((name) => ({ name, why })));
  test.each(stays)('keeps back $name, which is $why', ({ name }) => {
    for (const written of cases(name))
      expect(upwardHeaders([written, 'v', 'accept', 'a/b'], AS_IS)).toEqual(['accept', 'a/b']);
  });

  test.each(UP_TRAVELS)('sends on %s', (name) => {
    for (const written of cases(name)) expect(upwardHeaders([written, 'v'], AS_IS)).toEqual([written, 'v']);
  });

  test('keeps order, case and duplicates', () => {
    const headers = ['X-B', '1', 'x-a', '2', 'X-B', '3', 'x-a', ''];
    expect(upwardHeaders(headers, AS_IS)).toEqual(headers);
  });

  test.each([
    { what: 'a name', connection: ['X-Secret'] },
    { what: 'several names', connection: ['close, x-secret , TE'] },
    { what: 'a second Connection field', connection: ['close', 'x-secret'] },
  ])('keeps back what Connection declares by $what', ({ connection }) => {
    const declared = connection.flatMap((value) => ['Connection', value]);
    expect(upwardHeaders([...declared, 'x-secret', 's', 'x-open', 'o'], AS_IS)).toEqual(['x-open', 'o']);
  });

  test('asks for bytes that can be read where the events must be', () => {
    expect(upwardHeaders(['Accept-Encoding', 'gzip', 'x-a', '1'], { uncompressed: true })).toEqual([
      'x-a',
      '1',
      'accept-encoding',
      'identity',
    ]);
  });

  test('takes a value for no name', () => {
    expect(upwardHeaders(['x-a', 'connection', 'x-b', 'x-a'], AS_IS)).toEqual(['x-a', 'connection', 'x-b', 'x-a']);
  });

  test('gives the same verdict for the thousandth made-up name as for the first', () => {
    const names = fc.array(
      fc.string({ unit: fc.constantFrom('a', 'b', 'x', 'y', 'z', '-'), minLength: 1, maxLength: 20 }),
      {
        minLength: 20,
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(names, (made) => {
        const headers = made.flatMap((name) => [`x-made-${name}`, 'v']);
        expect(upwardHeaders(headers, AS_IS)).toEqual(headers);
        expect(upwardHeaders(['Api-Key', 'v', 'x-router-new', 'v'], AS_IS)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

const WITH_BODY = { keepLength: false };

describe('downwardHeaders', () => {
  test('keeps the length where no body follows to have one', () => {
    const headers = { 'content-length': '7', 'transfer-encoding': 'chunked', 'x-a': '1' };
    expect(downwardHeaders(headers, { keepLength: true })).toEqual(['content-length', '7', 'x-a', '1']);
  });

  test.each(DOWN_STAYS)('keeps back %s', (name) => {
    expect(downwardHeaders({ [name]: 'v', accept: 'a/b' }, WITH_BODY)).toEqual(['accept', 'a/b']);
  });

  test.each(DOWN_TRAVELS)('hands on %s', (name) => {
    expect(downwardHeaders({ [name]: 'v' }, WITH_BODY)).toEqual([name, 'v']);
  });

  test('hands on every value of a header that came several times', () => {
    expect(downwardHeaders({ 'set-cookie': ['a=1', 'b=2'], 'x-a': '1', 'x-none': undefined }, WITH_BODY)).toEqual([
      'set-cookie',
      'a=1',
      'set-cookie',
      'b=2',
      'x-a',
      '1',
    ]);
  });

  test.each([
    { what: 'a name', connection: 'X-Secret' },
    { what: 'several names', connection: 'close, x-secret' },
    { what: 'a second Connection field', connection: ['keep-alive', 'x-secret'] },
  ])('keeps back what Connection declares by $what', ({ connection }) => {
    expect(downwardHeaders({ connection, 'x-secret': 's', 'x-open': 'o' }, WITH_BODY)).toEqual(['x-open', 'o']);
  });
});

describe('firstValue', () => {
  test.each([
    { what: 'one value', headers: { a: '1' }, is: '1' },
    { what: 'several values', headers: { a: ['1', '2'] }, is: '1' },
    { what: 'no value', headers: {}, is: null },
    { what: 'an empty list', headers: { a: [] }, is: null },
  ])('of $what', ({ headers, is }) => {
    expect(firstValue(headers, 'a')).toBe(is);
  });
});
