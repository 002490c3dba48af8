import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RouterError } from '../../src/domain/errors.ts';
import { DEPLOYMENT_OPERATIONS, type Target } from '../../src/domain/target.ts';
import { readTarget } from '../../src/http/dialect.ts';

const inPath = (operation: string, name: string): Target => ({ kind: 'deployment', operation, namedBy: 'path', name });
const inBody = (operation: string): Target => ({ kind: 'deployment', operation, namedBy: 'body', name: null });

describe('readTarget', () => {
  test.each<{ method?: string; path: string; target: Target | null }>([
    { path: '/openai/deployments/gpt-4.1/chat/completions', target: inPath('chat/completions', 'gpt-4.1') },
    { path: '/openai/deployments/gpt-4.1/chat/completions/', target: inPath('chat/completions', 'gpt-4.1') },
    { path: '/openai/deployments/A%2Fgpt-4.1/embeddings', target: inPath('embeddings', 'A/gpt-4.1') },
    { path: '/openai/deployments/m%20%C3%BC/audio/transcriptions', target: inPath('audio/transcriptions', 'm ü') },
    { path: '/openai/deployments//chat/completions', target: inPath('chat/completions', '') },
    { path: '/openai/v1/chat/completions', target: inBody('chat/completions') },
    { path: '/v1/chat/completions', target: inBody('chat/completions') },
    { path: '/openai/chat/completions', target: inBody('chat/completions') },
    { path: '/openai/responses', target: inBody('responses') },
    { path: '/openai/v1/responses', target: inBody('responses') },
    { path: '/openai/v1/responses/compact', target: inBody('responses/compact') },
    { path: '/v1/images/generations', target: inBody('images/generations') },
    { method: 'GET', path: '/openai/v1/responses/resp_1', target: { kind: 'response', id: 'resp_1', rest: '' } },
    { method: 'DELETE', path: '/openai/responses/resp_1', target: { kind: 'response', id: 'resp_1', rest: '' } },
    { path: '/openai/v1/responses/resp_1/cancel', target: { kind: 'response', id: 'resp_1', rest: '/cancel' } },
    {
      method: 'GET',
      path: '/v1/responses/resp_1/input_items',
      target: { kind: 'response', id: 'resp_1', rest: '/input_items' },
    },
    { method: 'GET', path: '/openai/models', target: { kind: 'models', id: null } },
    { method: 'GET', path: '/v1/models/', target: { kind: 'models', id: null } },
    { method: 'GET', path: '/openai/v1/models/A%2Fgpt-4.1', target: { kind: 'models', id: 'A/gpt-4.1' } },
    { method: 'GET', path: '/openai/v1/models/A/gpt-4.1', target: { kind: 'models', id: 'A/gpt-4.1' } },
    { method: 'DELETE', path: '/openai/v1/models/ft', target: { kind: 'other', path: 'models/ft', name: null } },
    {
      method: 'GET',
      path: '/openai/v1/chat/completions',
      target: { kind: 'other', path: 'chat/completions', name: null },
    },
    { path: '/openai/v1/files', target: { kind: 'other', path: 'files', name: null } },
    { path: '/openai/deployments/gpt/something/new', target: { kind: 'other', path: 'something/new', name: 'gpt' } },
    { method: 'GET', path: '/openai/deployments', target: { kind: 'other', path: 'deployments', name: null } },
    { method: 'GET', path: '/openai/deployments/gpt', target: { kind: 'other', path: 'deployments/gpt', name: null } },
    { path: '/v1', target: null },
    { path: '/openai', target: null },
    { path: '/', target: null },
    { path: '/router/explain', target: null },
    { path: '/OpenAI/v1/chat/completions', target: null },
    { path: '/api/openai/v1/chat/completions', target: null },
    { path: 'http://evil.example/openai/v1/chat/completions', target: null },
  ])('takes $method $path for what it is', ({ method = 'POST', path, target }) => {
    expect(readTarget(method, path)).toEqual(target);
  });

  test.each([
    { what: 'two points', path: '/openai/v1/../../admin' },
    { what: 'one point', path: '/openai/./files' },
    { what: 'encoded points', path: '/openai/%2E%2e/files' },
    { what: 'half encoded points', path: '/openai/v1/.%2e/files' },
    { what: 'points behind a deployment', path: '/openai/deployments/gpt/../../files' },
    { what: 'points at the end', path: '/openai/files/..' },
    { what: 'points for a response', path: '/openai/responses/../files' },
    { what: 'points and backslashes, which some servers take for slashes', path: '/openai/files/..\\..\\admin' },
    { what: 'points and encoded slashes', path: '/openai/files/..%2f..%2fadmin' },
    { what: 'points and encoded backslashes', path: '/openai/files/..%5C..%5Cadmin' },
    { what: 'a space', path: '/openai/files/a b' },
    { what: 'a control character', path: '/openai/files/a\u0001' },
    { what: 'bytes beyond ASCII', path: '/openai/files/é' },
    { what: 'a name that is encoded wrongly', path: '/openai/deployments/%zz/chat/completions' },
    { what: 'a model that is encoded wrongly', path: '/openai/v1/models/%' },
  ])('refuses a path with $what', ({ path }) => {
    const method = path.includes('/models/') ? 'GET' : 'POST';
    expect(() => readTarget(method, path)).toThrow(RouterError);
  });

  test('never lets a path out of the data plane, and never fails but with a RouterError', () => {
    const piece = fc.oneof(
      fc.constantFrom('..', '.', '%2e', '/', '//', 'files', 'deployments', 'responses', 'models', '%2F', 'é', ' ', ';'),
      fc.string({ maxLength: 4 }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom('/openai/', '/openai/v1/', '/v1/'),
        fc.array(piece, { maxLength: 8 }),
        fc.constantFrom('GET', 'POST', 'DELETE'),
        (root, pieces, method) => {
          let target: Target | null;
          try {
            target = readTarget(method, root + pieces.join('/'));
          } catch (error) {
            expect(error).toBeInstanceOf(RouterError);
            return;
          }
          if (target?.kind !== 'other' && target?.kind !== 'response') return;
          const resource = target.kind === 'other' ? target.path : `responses/${target.id}${target.rest}`;
          const { pathname } = new URL(`https://a.openai.azure.com/openai/v1/${resource}`);
          expect(pathname.startsWith('/openai/v1/')).toBe(true);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test('knows every operation of a deployment under each of its paths', () => {
    for (const operation of DEPLOYMENT_OPERATIONS) {
      expect(readTarget('POST', `/openai/deployments/d/${operation}`)).toEqual(inPath(operation, 'd'));
      expect(readTarget('POST', `/openai/v1/${operation}`)).toEqual(inBody(operation));
      expect(readTarget('POST', `/v1/${operation}`)).toEqual(inBody(operation));
    }
  });
});
