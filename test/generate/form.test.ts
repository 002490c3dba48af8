import { describe, expect, it } from 'vitest';
import { BadOrder, readStructured, readText } from '../../src/generate/form.ts';

function faultsOf(read: (json: unknown) => unknown, json: unknown): readonly object[] {
  try {
    read(json);
  } catch (error) {
    if (error instanceof BadOrder) return error.faults;
    throw error;
  }
  return [];
}

const structured = (more: object) => faultsOf(readStructured, { prompt: 'x', schema: {}, ...more });
const schema = (one: unknown) => structured({ schema: one });
const paths = (faults: readonly object[]) => faults.map((fault) => (fault as { path: string }).path);

describe('an order', () => {
  it.each<[string, object, object[]]>([
    ['no schema', { schema: undefined }, [{ path: '/schema', found: 'nothing', allowed: 'a value: it is required' }]],
    ['an empty prompt', { prompt: '' }, [{ path: '/prompt', found: '""', allowed: 'minLength 1' }]],
    [
      'no prompt',
      { prompt: undefined },
      [{ path: '/prompt', found: 'nothing', allowed: 'a string, or "messages" instead' }],
    ],
    ['no message', { prompt: undefined, messages: [] }, [{ path: '/messages', found: '[]', allowed: 'minItems 1' }]],
    [
      'an unknown role',
      { prompt: undefined, messages: [{ role: 'boss' }] },
      [
        {
          path: '/messages/0/role',
          found: '"boss"',
          allowed: 'one of "system", "developer", "user", "assistant", "tool"',
        },
      ],
    ],
    [
      'two questions',
      { messages: [{ role: 'user' }] },
      [{ path: '/prompt', found: 'a prompt beside "messages"', allowed: 'one of the two' }],
    ],
    ['no tokens', { maxTokens: 0 }, [{ path: '/maxTokens', found: '0', allowed: 'minimum 1' }]],
    ['too much heat', { temperature: 3 }, [{ path: '/temperature', found: '3', allowed: 'maximum 2' }]],
    ['a name with spaces', { name: 'a b' }, [{ path: '/name', found: '"a b"', allowed: 'pattern "^[\\\\w-]{1,64}$"' }]],
    [
      'a field that is none',
      { max_tokens: 5 },
      [{ path: '/max_tokens', found: '5', allowed: 'nothing: there is no place for it' }],
    ],
    [
      'a stream',
      { stream: true },
      [{ path: '/stream', found: 'true', allowed: 'false: for streams there is /v1/chat/completions' }],
    ],
  ])('is refused with where and why: %s', (_what, more, expected) => {
    const order: unknown = JSON.parse(JSON.stringify({ prompt: 'x', schema: {}, ...more }));
    expect(faultsOf(readStructured, order)).toEqual(expected);
  });

  it('is refused with all of its faults at once', () => {
    const faults = structured({ schema: { type: 'objekt', $ref: '#/x' }, maxTokens: 'many', temperature: -1, what: 1 });
    expect(paths(faults).sort()).toEqual(['/maxTokens', '/schema/type', '/temperature', '/what']);
  });

  it('is told in one sentence for each fault, and names the first field', () => {
    try {
      readText({ prompt: 7, n: 1 });
      expect.unreachable();
    } catch (error) {
      expect((error as BadOrder).error).toMatchObject({
        code: 'invalid_request',
        status: 400,
        param: 'prompt',
        message: '/prompt is 7; allowed: string. /n is 1; allowed: nothing: there is no place for it.',
      });
    }
  });

  it('has its defaults', () => {
    expect(readStructured({ prompt: 'x', system: 's', schema: true })).toEqual({
      messages: [
        { role: 'system', content: 's' },
        { role: 'user', content: 'x' },
      ],
      model: 'auto',
      maxTokens: null,
      temperature: null,
      reasoningEffort: null,
      schema: true,
      name: 'answer',
      strict: null,
    });
  });
});

describe('a schema that is none', () => {
  it.each<[string, unknown, string[]]>([
    ['text', 'string', ['/schema']],
    ['a list', [], ['/schema']],
    ['an unknown type', { type: 'text' }, ['/schema/type']],
    ['deep inside', { properties: { a: { items: { type: 5 } } } }, ['/schema/properties/a/items/type']],
    ['properties that are none', { properties: { a: 'string' } }, ['/schema/properties/a']],
    ['required that is no list', { required: true }, ['/schema/required']],
    ['an empty enum', { enum: [] }, ['/schema/enum']],
    ['a pattern that is none', { pattern: '(' }, ['/schema/pattern']],
    [
      'a limit that is none',
      { minLength: -1, maxItems: 1.5, multipleOf: 0 },
      ['/schema/maxItems', '/schema/minLength', '/schema/multipleOf'],
    ],
    ['a branch that is none', { anyOf: [{ type: 'string' }, 3] }, ['/schema/anyOf/1']],
    [
      'a reference into nothing',
      { properties: { a: { $ref: '#/$defs/b' } }, $defs: {} },
      ['/schema/properties/a/$ref'],
    ],
    ['a reference elsewhere', { $ref: 'https://example.com/s.json' }, ['/schema/$ref']],
    ['one name for two', { $defs: { a: { $id: 'x' }, b: { $id: 'x' } } }, ['/schema']],
    ['references that are not followed', { $dynamicRef: '#a' }, ['/schema/$dynamicRef']],
  ])('is refused with where: %s', (_what, one, expected) => {
    expect(paths(schema(one)).sort()).toEqual(expected);
  });

  it.each<[string, unknown]>([
    ['empty', {}],
    ['anything', true],
    ['recursive', { type: 'object', properties: { next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } } }],
    ['named', { $ref: '#/$defs/a', $defs: { a: { type: ['string', 'null'], format: 'date' } } }],
    ['of an older draft', { $schema: 'http://json-schema.org/draft-04/schema#', minimum: 1, exclusiveMinimum: true }],
    ['with words of its own', { 'x-note': { any: 'thing' }, type: 'string', examples: ['a'] }],
    [
      'with properties named like keywords',
      { properties: { type: { type: 'string' }, required: { type: 'boolean' } } },
    ],
  ])('is not: %s', (_what, one) => {
    expect(schema(one)).toEqual([]);
  });
});
