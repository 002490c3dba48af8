import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, test } from 'vitest';
import type { Tokens } from '../../src/domain/usage.ts';
import { createEstimator } from '../../src/usage/estimator.ts';
import type { Unsaid } from '../../src/usage/port.ts';
import { encodingOf, loadedCount } from '../../src/usage/tokenizer.ts';
import { deployment, tokens } from './facts.ts';
import { ask, cutAnswer, questionFor, type Told, wholeAnswer } from './simulatedAnswers.ts';

const CHAT = deployment({ model: 'gpt-4.1' });

function unsaid(request: object | string | null, answer: object | string | null, facts: Partial<Unsaid> = {}): Unsaid {
  const kept = request === null ? null : Buffer.from(typeof request === 'string' ? request : JSON.stringify(request));
  const said = Buffer.from(answer === null ? '' : typeof answer === 'string' ? answer : JSON.stringify(answer));
  const bytes = { requestBytes: kept?.length ?? 0, answerBytes: said.length };
  return { deployment: CHAT, request: kept, answer: said, ...bytes, ...facts };
}

function events(...data: readonly object[]): string {
  return [...data.map((one) => JSON.stringify(one)), '[DONE]'].map((text) => `data: ${text}\n\n`).join('');
}

const PROSE = 'The river carries what the house keeps; nobody measures it twice.';
const SCHEMA = { type: 'object', properties: { answer: { type: 'string', description: 'What is so.' } } };

/** A clock on which a second goes by whenever somebody looks. */
function hurried() {
  let now = 0;
  return { monotonicMs: () => (now += 1_000) };
}

test('before the first estimate no tokenizer is loaded, and what answers said is kept for it', async () => {
  const asked = { messages: [{ role: 'user', content: PROSE }] };
  const said = countTokens(PROSE) + 7;
  const estimator = createEstimator(hurried());
  const made: number[] = [];
  for (let count = 0; count < 20; count++) {
    const make = () => {
      made.push(count);
      return unsaid(asked, events());
    };
    estimator.learn(CHAT, make, tokens({ prompt: said * 2, completion: 0 }));
  }
  expect([loadedCount('o200k_base'), loadedCount('cl100k_base')]).toEqual([null, null]);
  expect(made).toHaveLength(8);
  expect((await estimator.estimate(unsaid(asked, null))).prompt).toBe(said * 2);
  expect(loadedCount('cl100k_base')).toBeNull();
  const fresh = createEstimator(hurried());
  expect((await fresh.estimate(unsaid(asked, null))).prompt).toBe(said);
});

test('large answers are not kept, nor those of too many models', async () => {
  const estimator = createEstimator(hurried());
  const asked = { messages: [{ role: 'user', content: PROSE }] };
  const learn = (of: typeof CHAT, answer: string) =>
    estimator.learn(of, () => ({ ...unsaid(asked, answer), deployment: of }), tokens({ prompt: 1_000, completion: 0 }));
  const large = deployment({ name: 'large', model: 'gpt-35-turbo' });
  learn(large, 'x'.repeat(10_000));
  const many = Array.from({ length: 70 }, (_, at) => deployment({ name: `d${at}`, model: `gpt-35-turbo-${at}` }));
  for (const one of many) learn(one, '');
  const prompts = await Promise.all(
    [large, many[0]!, many[69]!].map(
      async (one) => (await estimator.estimate({ ...unsaid(asked, null), deployment: one })).prompt,
    ),
  );
  expect(prompts[0]).toBe(prompts[2]);
  expect(prompts[1]).toBeGreaterThan(prompts[2]!);
});

test('with the tokenizer loaded an answer is looked at only now and then', async () => {
  let now = 1_000;
  const estimator = createEstimator({ monotonicMs: () => now });
  await estimator.estimate(unsaid({}, null));
  let made = 0;
  for (let count = 0; count < 100; count++) {
    now += 10;
    const make = () => {
      made++;
      return unsaid({}, null);
    };
    estimator.learn(CHAT, make, tokens({ prompt: 3, completion: 0 }));
  }
  expect(made).toBe(4);
});

describe('what a prompt is estimated by is', () => {
  const said = countTokens(PROSE);
  const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(50_000)}` } };
  const low = { type: 'image_url', image_url: { url: 'https://x.test/y.png', detail: 'low' } };
  const tool = { name: 'look_up', description: PROSE, parameters: SCHEMA };
  const toolTokens = countTokens(JSON.stringify(tool));

  test.each<[string, object, number]>([
    [
      'the text of messages',
      {
        messages: [
          { role: 'system', content: PROSE },
          { role: 'user', content: PROSE },
        ],
      },
      2 * said + 11,
    ],
    ['text parts', { messages: [{ role: 'user', content: [{ type: 'text', text: PROSE }] }] }, said + 7],
    ['pictures, by their number', { messages: [{ role: 'user', content: [image, low] }] }, 765 + 85 + 7],
    ['names', { messages: [{ role: 'user', name: 'anna', content: PROSE }] }, said + 1 + 7],
    [
      'calls of tools',
      {
        messages: [
          { role: 'assistant', content: null, tool_calls: [{ function: { name: 'look', arguments: PROSE } }] },
        ],
      },
      said + countTokens('look') + 7,
    ],
    [
      'tools',
      { messages: [{ role: 'user', content: PROSE }], tools: [{ type: 'function', function: tool }] },
      said + toolTokens + 7,
    ],
    [
      'a schema',
      { messages: [], response_format: { type: 'json_schema', json_schema: { name: 'a', schema: SCHEMA } } },
      countTokens(JSON.stringify(SCHEMA)),
    ],
    ['input and instructions', { input: PROSE, instructions: PROSE }, 2 * said + 7],
    [
      'items of input',
      {
        input: [
          {
            role: 'user',
            content: [
              { type: 'input_text', text: PROSE },
              { type: 'input_image', image_url: 'x', detail: 'low' },
            ],
          },
          { type: 'function_call_output', output: PROSE },
        ],
      },
      2 * said + 85 + 11,
    ],
    ['tools of the Responses API', { input: PROSE, tools: [{ type: 'function', ...tool }] }, said + toolTokens],
    ['a prompt', { prompt: PROSE }, said],
    ['prompts', { prompt: [PROSE, PROSE] }, 2 * said],
    ['texts to embed', { input: [PROSE, PROSE] }, 2 * said],
    ['tokens to embed', { input: [[1, 2, 3], [4]] }, 4],
    ['nothing in an empty body', {}, 0],
  ])('%s', async (_, request, wanted) => {
    expect((await createEstimator(hurried()).estimate(unsaid(request, null))).prompt).toBe(wanted);
  });

  test('nothing where the body is no JSON, and its length where it was not kept', async () => {
    const estimator = createEstimator(hurried());
    expect((await estimator.estimate(unsaid('--boundary\r\ncontent-type: audio/mpeg', null))).prompt).toBe(0);
    expect((await estimator.estimate(unsaid(null, null, { requestBytes: 4_000 }))).prompt).toBe(1_000);
  });

  test('its beginning, where only that was kept', async () => {
    const whole = JSON.stringify({ messages: [{ role: 'user', content: PROSE.repeat(200) }] });
    const facts = { requestBytes: whole.length };
    const { prompt } = await createEstimator(hurried()).estimate(unsaid(whole.slice(0, whole.length / 2), null, facts));
    expect(Math.abs(prompt / countTokens(PROSE.repeat(200)) - 1)).toBeLessThan(0.05);
  });
});

describe('what an answer is estimated by is', () => {
  const said = countTokens(PROSE);
  const half = PROSE.length >> 1;
  const pieces = [PROSE.slice(0, half), PROSE.slice(half)];
  const delta = (fields: object, index = 0): object => ({ choices: [{ index, delta: fields }] });

  test.each<[string, string | object, number]>([
    ['content, whose pieces make one text', events(...pieces.map((content) => delta({ content }))), said],
    [
      'every choice for itself',
      events(...pieces.flatMap((content) => [delta({ content }), delta({ content }, 1)])),
      2 * said,
    ],
    ['refusals', events(delta({ refusal: PROSE })), said],
    [
      'what has no place of its own',
      events({ choices: [{ index: { toString: 1 }, delta: { content: PROSE } }] }),
      said,
    ],
    ['visible reasoning', events(delta({ reasoning_content: PROSE })), said],
    [
      'calls of tools',
      events(
        delta({ tool_calls: [{ index: 0, function: { name: 'look', arguments: '' } }] }),
        ...pieces.map((text) => delta({ tool_calls: [{ index: 0, function: { arguments: text } }] })),
      ),
      said + countTokens('look'),
    ],
    ['the text of completions', events(...pieces.map((text) => ({ choices: [{ index: 0, text }] }))), said],
    [
      'typed events',
      events(...pieces.map((text) => ({ type: 'response.output_text.delta', output_index: 0, delta: text })), {
        type: 'response.output_text.done',
        text: PROSE,
      }),
      said,
    ],
    [
      'arguments in typed events',
      events(
        { type: 'response.function_call_arguments.delta', delta: PROSE },
        { type: 'response.reasoning_summary_text.delta', delta: PROSE },
      ),
      2 * said,
    ],
    [
      'a whole answer',
      { choices: [{ message: { content: PROSE, tool_calls: [{ function: { name: 'look', arguments: PROSE } }] } }] },
      2 * said + 1,
    ],
    [
      'a whole response',
      {
        output: [
          { type: 'message', content: [{ type: 'output_text', text: PROSE }] },
          { type: 'function_call', name: 'look', arguments: PROSE },
        ],
      },
      2 * said + 1,
    ],
    ['nothing in vectors', { data: [{ embedding: [0.1, 0.2] }] }, 0],
    [
      'what stands before an event that was cut off',
      `${events(delta({ content: PROSE }))}data: {"choices":[{"delta":{"content":"lo`,
      said,
    ],
    ['an answer that was cut off', JSON.stringify({ choices: [{ message: { content: PROSE } }] }).slice(0, -5), said],
  ])('%s', async (_, answer, wanted) => {
    const { completion } = await createEstimator(hurried()).estimate(unsaid(null, answer));
    expect(Math.abs(completion - wanted)).toBeLessThanOrEqual(1);
  });

  test('its beginning, where only that was kept', async () => {
    const answer = events(delta({ content: PROSE }));
    const facts = { answerBytes: answer.length * 10 };
    expect((await createEstimator(hurried()).estimate(unsaid(null, answer, facts))).completion).toBe(said * 10);
  });
});

describe('an estimate', () => {
  test('is made of whatever comes, and is a finite number', async () => {
    const names = [
      'messages',
      'choices',
      'delta',
      'content',
      'input',
      'tools',
      'output',
      'type',
      'index',
      'tool_calls',
      'function',
      'item',
      'toString',
    ];
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom(null, 1, -1e308, 'text', true, 'response.output_text.delta', 'response.output_item.added'),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 5 }),
      ),
    })).value;
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((all) => Buffer.from(all)),
      fc.tuple(json, fc.boolean(), fc.nat(20)).map(([value, isEvent, cut]) => {
        const text = `${isEvent ? 'data: ' : ''}${JSON.stringify(value)}`;
        return Buffer.from(text.slice(0, Math.max(0, text.length - cut)));
      }),
    );
    const estimator = createEstimator(hurried());
    await fc.assert(
      fc.asyncProperty(fc.option(bytes), bytes, fc.nat(10_000), async (request, answer, more) => {
        const facts = {
          deployment: CHAT,
          request,
          answer,
          requestBytes: (request?.length ?? 0) + more,
          answerBytes: answer.length + more,
        };
        const estimate = await estimator.estimate(facts);
        estimator.learn(CHAT, () => facts, tokens({ prompt: more, completion: more }));
        for (const count of Object.values<number>({ ...estimate }))
          expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('takes no longer for a hostile text than for another', async () => {
    const estimator = createEstimator(hurried());
    const deep = `{"tools":[${'['.repeat(100_000)}${']'.repeat(100_000)}]}`;
    await estimator.estimate(unsaid(deep, deep));
    for (const word of ['a', ' ', '\u{1f642}', 'ab\\"']) {
      const startedAt = performance.now();
      await estimator.estimate(
        unsaid(`{"prompt":"${word.repeat(500_000)}"}`, `{"choices":[{"text":"${word.repeat(500_000)}`),
      );
      expect(performance.now() - startedAt).toBeLessThan(5_000);
    }
  });

  test('counts marks between messages as the text that they are', async () => {
    const { prompt } = await createEstimator(hurried()).estimate(unsaid({ prompt: 'a <|endoftext|> b' }, null));
    expect(prompt).toBeGreaterThan(4);
  });

  test('of a long text is that of pieces from all over it', async () => {
    const text = `${PROSE.repeat(4_000)}${'日本語の文章です。'.repeat(20_000)}`;
    const { prompt } = await createEstimator(hurried()).estimate(unsaid({ prompt: text }, null));
    expect(Math.abs(prompt / countTokens(text) - 1)).toBeLessThan(0.05);
  });

  test.each([
    ['gpt-4', 'cl100k_base'],
    ['gpt-4-turbo', 'cl100k_base'],
    ['gpt-4-1106-preview', 'cl100k_base'],
    ['gpt-35-turbo', 'cl100k_base'],
    ['gpt-3.5-turbo-16k', 'cl100k_base'],
    ['text-embedding-3-small', 'cl100k_base'],
    ['gpt-4o', 'o200k_base'],
    ['gpt-4.1-mini', 'o200k_base'],
    ['gpt-5', 'o200k_base'],
    ['o4-mini', 'o200k_base'],
    ['whatever', 'o200k_base'],
  ])('for %s goes by %s', (model, encoding) => {
    expect(encodingOf(model)).toBe(encoding);
  });
});

interface Sums {
  readonly prompt: number;
  readonly completion: number;
}

function add(sums: Sums, one: Tokens | Sums): Sums {
  return { prompt: sums.prompt + one.prompt, completion: sums.completion + one.completion };
}

/** How far the sum of the estimates of streams that were cut is from what was used. */
async function offBy(model: string, learnt: number, use: (told: Told) => Sums): Promise<Sums> {
  const estimator = createEstimator(hurried());
  const of = deployment({ model });
  await estimator.estimate({ ...unsaid({}, null), deployment: of });
  for (let seed = 0; seed < learnt; seed++) {
    const told = wholeAnswer(ask(model, questionFor(seed)));
    estimator.learn(of, () => ({ ...told.unsaid, deployment: of }), told.used);
  }
  let [estimated, used]: Sums[] = [
    { prompt: 0, completion: 0 },
    { prompt: 0, completion: 0 },
  ];
  for (let seed = 1_000; seed < 1_150; seed++) {
    const told = cutAnswer(ask(model, questionFor(seed)), seed);
    estimated = add(estimated!, await estimator.estimate({ ...told.unsaid, deployment: of }));
    used = add(used!, use(told));
  }
  return { prompt: estimated!.prompt / used!.prompt - 1, completion: estimated!.completion / used!.completion - 1 };
}

describe('the sum of the estimates of streams that were cut at random places', () => {
  test.each(['gpt-4.1', 'gpt-35-turbo', 'gpt-5'])(
    'is within a tenth of what the deployment of %s counts, once twenty answers have said what they used',
    async (model) => {
      const { prompt, completion } = await offBy(model, 20, ({ used }) => used);
      expect(
        { prompt: Math.abs(prompt) < 0.1, completion: Math.abs(completion) < 0.1 },
        `${prompt} ${completion}`,
      ).toEqual({ prompt: true, completion: true });
    },
  );

  test('is within a tenth of the true count from the first on', async () => {
    const truly = ({ promptTexts, written }: Told): Sums => ({
      prompt: promptTexts.reduce((sum, text) => sum + 4 + countTokens(text), 3),
      completion: countTokens(written),
    });
    const { prompt, completion } = await offBy('gpt-4.1', 0, truly);
    expect([Math.abs(prompt) < 0.1, Math.abs(completion) < 0.1], `${prompt} ${completion}`).toEqual([true, true]);
  });

  test('is that of each model for itself', async () => {
    const estimator = createEstimator(hurried());
    const [one, other] = [deployment({ model: 'gpt-4.1' }), deployment({ model: 'gpt-4o' })];
    const facts = unsaid(
      { messages: [{ role: 'user', content: PROSE }] },
      events({ choices: [{ delta: { content: PROSE } }] }),
    );
    const before = await estimator.estimate({ ...facts, deployment: other });
    estimator.learn(
      one,
      () => ({ ...facts, deployment: one }),
      tokens({ prompt: before.prompt * 2, completion: before.completion * 3 }),
    );
    expect(await estimator.estimate({ ...facts, deployment: one })).toMatchObject({
      prompt: before.prompt * 2,
      completion: before.completion * 3,
    });
    expect(await estimator.estimate({ ...facts, deployment: other })).toEqual(before);
  });

  test('is never held to more than four times, or less than a quarter, of what can be read', async () => {
    const estimator = createEstimator(hurried());
    const facts = unsaid(
      { messages: [{ role: 'user', content: PROSE }] },
      events({ choices: [{ delta: { content: PROSE } }] }),
    );
    const before = await estimator.estimate(facts);
    estimator.learn(CHAT, () => facts, tokens({ prompt: 1_000_000, completion: 0 }));
    const { prompt, completion } = await estimator.estimate(facts);
    expect([prompt, completion]).toEqual([before.prompt * 4, Math.round(before.completion / 4)]);
  });
});
