import { crc32, inflateSync } from 'node:zlib';
import { toFile } from 'openai';
import { describe, expect, it } from 'vitest';
import { azureClient, call, type Stage, simulate, v1Client } from './fixture.ts';

const DIALECTS = [
  { dialect: 'dated', pick: ({ azure }: Stage) => azure },
  { dialect: 'v1', pick: ({ v1 }: Stage) => v1 },
];

describe('embeddings', () => {
  it.each([
    { model: 'text-embedding-3-small', rest: {}, dimensions: 1_536 },
    { model: 'text-embedding-3-large', rest: {}, dimensions: 3_072 },
    { model: 'text-embedding-3-large', rest: { dimensions: 256 }, dimensions: 256 },
  ])('of $model have $dimensions dimensions and the length one', async ({ model, rest, dimensions }) => {
    const { azure } = await simulate();
    const { data, usage } = await azure.embeddings.create({ model, input: ['good morning', 'good evening'], ...rest });
    expect(data.map(({ embedding }) => embedding.length)).toEqual([dimensions, dimensions]);
    for (const { embedding } of data) expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
    expect(usage).toEqual({ prompt_tokens: 6, total_tokens: 6 });
  });

  it('are the same on every endpoint and in both encodings', async () => {
    const { v1, b } = await simulate();
    const body = { model: 'text-embedding-3-small', input: 'good morning' };
    const [floats, packed] = await Promise.all([
      v1.embeddings.create({ ...body, encoding_format: 'float' }),
      v1Client(b).embeddings.create({ ...body, encoding_format: 'base64' }),
    ]);
    const bytes = Buffer.from(packed.data[0]?.embedding as unknown as string, 'base64');
    const unpacked = Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
    expect(unpacked).toHaveLength(1_536);
    for (const [index, value] of (floats.data[0]?.embedding ?? []).entries())
      expect(unpacked[index]).toBeCloseTo(value, 6);
  });

  it('lie nearer for texts that share words', async () => {
    const { v1 } = await simulate();
    const { data } = await v1.embeddings.create({
      model: 'text-embedding-3-small',
      input: ['red house on a hill', 'blue house on a hill', 'quantum chromodynamics'],
    });
    const near = (from: number, to: number) =>
      (data[from]?.embedding ?? []).reduce((sum, value, index) => sum + value * (data[to]?.embedding[index] ?? 0), 0);
    expect(near(0, 1)).toBeGreaterThan(near(0, 2) + 0.2);
  });

  it.each([
    { inputs: 'one list of tokens', input: [1, 2, 3], count: 1, tokens: 3 },
    { inputs: 'lists of tokens', input: [[1, 2, 3], [4]], count: 2, tokens: 4 },
  ])('are made of $inputs', async ({ input, count, tokens }) => {
    const { v1 } = await simulate();
    const { data, usage } = await v1.embeddings.create({ model: 'text-embedding-3-small', input });
    expect(data).toHaveLength(count);
    expect(usage.prompt_tokens).toBe(tokens);
  });

  it.each([
    { fault: 'no input', body: {} },
    { fault: 'an empty input', body: { input: '' } },
    { fault: 'an empty list', body: { input: [] } },
    { fault: 'more dimensions than there are', body: { input: 'x', dimensions: 1_537 } },
    { fault: 'a text beyond the context', body: { input: 'x'.repeat(40_000) } },
  ])('$fault is refused', async ({ body }) => {
    const { a } = await simulate();
    expect(
      (await call(a, '/openai/v1/embeddings', { body: { model: 'text-embedding-3-small', ...body } })).status,
    ).toBe(400);
  });
});

describe('legacy completions', () => {
  it.each(DIALECTS)('answer in the $dialect dialect, whole and streamed', async ({ pick }) => {
    const client = pick(await simulate());
    const body = { model: 'gpt-35-turbo-instruct', prompt: 'Once upon a time', max_tokens: 12 };
    const whole = await client.completions.create(body);
    expect(whole).toMatchObject({
      object: 'text_completion',
      choices: [{ finish_reason: 'length' }],
      usage: { completion_tokens: 12 },
    });
    let text = '';
    for await (const chunk of await client.completions.create({
      ...body,
      stream: true,
      stream_options: { include_usage: true },
    })) {
      text += chunk.choices[0]?.text ?? '';
      if (chunk.usage) expect(chunk.usage.completion_tokens).toBe(12);
    }
    expect(text).toBe(whole.choices[0]?.text);
  });

  it('answer every prompt of a list', async () => {
    const { azure } = await simulate();
    const { choices } = await azure.completions.create({
      model: 'gpt-35-turbo-instruct',
      prompt: ['one', 'two'],
      n: 2,
    });
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  });

  it('are refused by a model that only chats', async () => {
    const { azure } = await simulate();
    await expect(azure.completions.create({ model: 'gpt-4.1', prompt: 'x' })).rejects.toMatchObject({
      status: 400,
      code: 'OperationNotSupported',
    });
  });
});

/** Reads a PNG far enough to know that its parts are sound. */
function checkPng(base64: string | undefined): void {
  const bytes = Buffer.from(base64 ?? '', 'base64');
  expect(bytes.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a');
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const body = bytes.subarray(at + 4, at + 8 + length);
    expect(bytes.readUInt32BE(at + 8 + length)).toBe(crc32(body));
    if (body.subarray(0, 4).toString() === 'IDAT')
      expect(inflateSync(body.subarray(4))).toHaveLength(16 * (1 + 16 * 3));
    at += 12 + length;
  }
}

describe('images', () => {
  it.each(DIALECTS)('are generated in the $dialect dialect as sound PNGs', async ({ pick }) => {
    const client = pick(await simulate());
    const { data, usage } = await client.images.generate({ model: 'gpt-image-1', prompt: 'a house', n: 2 });
    expect(data).toHaveLength(2);
    for (const { b64_json } of data ?? []) checkPng(b64_json);
    expect(usage?.output_tokens).toBe(2_112);
  });

  it.each(DIALECTS)('are edited in the $dialect dialect', async ({ pick }) => {
    const client = pick(await simulate());
    const image = await toFile(Buffer.from('not really'), 'house.png', { type: 'image/png' });
    const { data, usage } = await client.images.edit({ model: 'gpt-image-1', prompt: 'a red door', image });
    checkPng(data?.[0]?.b64_json);
    expect(usage?.input_tokens_details.image_tokens).toBe(765);
  });

  it('are streamed as one completed event', async () => {
    const { v1 } = await simulate();
    const types: string[] = [];
    for await (const event of await v1.images.generate({ model: 'gpt-image-1', prompt: 'a house', stream: true }))
      types.push(event.type);
    expect(types).toEqual(['image_generation.completed']);
  });

  it.each([
    { fault: 'no prompt', body: {} },
    { fault: 'too many', body: { prompt: 'x', n: 11 } },
    { fault: 'a filtered prompt', body: { prompt: '[[content_filter]]' } },
  ])('$fault is refused', async ({ body }) => {
    const { a } = await simulate();
    expect((await call(a, '/openai/v1/images/generations', { body: { model: 'gpt-image-1', ...body } })).status).toBe(
      400,
    );
  });
});

describe('audio', () => {
  const sound = () =>
    toFile(Buffer.from('\r\n--not a boundary--\r\n\0\xff', 'latin1'), 'visit.wav', { type: 'audio/wav' });

  it.each(DIALECTS)('is transcribed in the $dialect dialect', async ({ pick }) => {
    const client = pick(await simulate());
    expect(await client.audio.transcriptions.create({ model: 'whisper', file: await sound() })).toEqual({
      text: 'Transcript of visit.wav (24 bytes).',
    });
  });

  it.each(['/openai/deployments/whisper/audio/translations?api-version=2024-10-21', '/openai/v1/audio/translations'])(
    'is translated at %s',
    async (path) => {
      const { a } = await simulate();
      const form = new FormData();
      form.set('model', 'whisper');
      form.set('file', new Blob(['abc']), 'visit.wav');
      const answer = await fetch(a.url + path, { method: 'POST', headers: { 'api-key': a.apiKey }, body: form });
      expect(await answer.json()).toEqual({ text: 'Translation of visit.wav (3 bytes).' });
    },
  );

  it.each([
    { format: 'text', starts: 'Transcript of visit.wav' },
    { format: 'srt', starts: '1\n00:00:00,000 --> 00:00:01,000\n' },
    { format: 'vtt', starts: 'WEBVTT\n' },
  ] as const)('comes as $format', async ({ format, starts }) => {
    const { v1 } = await simulate();
    const text: unknown = await v1.audio.transcriptions.create({
      model: 'whisper',
      file: await sound(),
      response_format: format,
    });
    expect(String(text).startsWith(starts)).toBe(true);
  });

  it('comes with segments where it shall be verbose', async () => {
    const { v1 } = await simulate();
    const heard = await v1.audio.transcriptions.create({
      model: 'whisper',
      file: await sound(),
      response_format: 'verbose_json',
    });
    expect(heard).toMatchObject({ task: 'transcribe', duration: 1, segments: [{ id: 0, text: heard.text }] });
  });

  it.each(DIALECTS)('is spoken in the $dialect dialect, the same bytes for the same text', async ({ pick }) => {
    const stage = await simulate();
    const say = async (client: typeof stage.v1) => {
      const spoken = await client.audio.speech.create({
        model: 'tts',
        voice: 'alloy',
        input: 'Good morning',
        response_format: 'wav',
      });
      expect(spoken.headers.get('content-type')).toBe('audio/wav');
      return Buffer.from(await spoken.arrayBuffer());
    };
    const spoken = await say(pick(stage));
    expect(spoken).toHaveLength(1_200);
    expect(await say(azureClient(stage.b))).toEqual(spoken);
  });

  it.each([
    { fault: 'no text', path: 'audio/speech', body: { model: 'tts' } },
    { fault: 'an unknown format', path: 'audio/speech', body: { model: 'tts', input: 'x', response_format: 'midi' } },
    { fault: 'too long a text', path: 'audio/speech', body: { model: 'tts', input: 'x'.repeat(4_097) } },
    { fault: 'no upload', path: 'audio/transcriptions', body: { model: 'whisper' } },
  ])('$fault is refused', async ({ path, body }) => {
    const { a } = await simulate();
    expect((await call(a, `/openai/v1/${path}`, { body })).status).toBe(400);
  });
});

describe('models', () => {
  it.each(DIALECTS)('are listed and found in the $dialect dialect', async ({ pick }) => {
    const client = pick(await simulate());
    const ids = (await client.models.list()).data.map(({ id }) => id);
    expect(ids).toContain('gpt-4.1-2025-04-14');
    expect((await client.models.retrieve('gpt-4.1-2025-04-14')).object).toBe('model');
    await expect(client.models.retrieve('none')).rejects.toMatchObject({ status: 404 });
  });
});

describe('files', () => {
  it.each(DIALECTS)('are kept in the $dialect dialect, on their own endpoint', async ({ pick }) => {
    const stage = await simulate();
    const client = pick(stage);
    const file = await client.files.create({
      file: await toFile(Buffer.from('{"a":1}\n'), 'batch.jsonl'),
      purpose: 'batch',
    });
    expect(file).toMatchObject({
      object: 'file',
      bytes: 8,
      filename: 'batch.jsonl',
      purpose: 'batch',
      status: 'processed',
    });
    expect((await client.files.list()).data.map(({ id }) => id)).toEqual([file.id]);
    expect((await client.files.retrieve(file.id)).id).toBe(file.id);
    expect(await (await client.files.content(file.id)).text()).toBe('{"a":1}\n');
    await expect(v1Client(stage.b).files.retrieve(file.id)).rejects.toMatchObject({ status: 404 });
    expect(await client.files.delete(file.id)).toMatchObject({ deleted: true });
    expect((await client.files.list()).data).toEqual([]);
  });

  it('need a purpose', async () => {
    const { a } = await simulate();
    const form = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n--x--\r\n';
    const answer = await call(a, '/openai/v1/files', {
      body: form,
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toContain("'purpose'");
  });
});
