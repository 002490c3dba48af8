/** `audio/transcriptions`, `audio/translations` and `audio/speech`. What was heard is the file's name and size. */
import { type Answer, bytesAnswer, dataFrame, eventStream, type Frame, jsonAnswer, type Usage } from './answer.ts';
import type { Job, ModelCall } from './call.ts';
import { numberAt, stringAt } from './json.ts';
import { fieldOf, filesOf } from './multipart.ts';
import { badRequest } from './refusal.ts';
import { drawFrom, seedOf } from './seeded.ts';
import { piecesOf, tokensIn } from './tokens.ts';

const BYTES_PER_SECOND = 32_000;
const TOKENS_PER_SECOND = 10;

export function transcription(call: ModelCall): Job {
  return listen(call, 'transcribe');
}

export function translation(call: ModelCall): Job {
  return listen(call, 'translate');
}

function listen(call: ModelCall, task: 'transcribe' | 'translate'): Job {
  const [file] = filesOf(call.form, 'file');
  if (!file) throw badRequest("Missing required parameter: 'file'.", 'file', 'missing_required_parameter');
  const seconds = Math.max(1, Math.ceil(file.bytes.length / BYTES_PER_SECOND));
  const text = `${task === 'translate' ? 'Translation' : 'Transcript'} of ${file.filename} (${file.bytes.length} bytes).`;
  const usage: Usage = {
    promptTokens: seconds * TOKENS_PER_SECOND,
    cachedTokens: 0,
    completionTokens: tokensIn(text),
    reasoningTokens: 0,
  };
  // Whisper cannot stream and does not say so: it answers whole.
  const stream = fieldOf(call.form, 'stream') === 'true' && call.deployment.model.name !== 'whisper';
  return {
    estimate: usage.promptTokens,
    run: () =>
      stream
        ? eventStream(transcriptFrames(text, usage), usage, 'chat')
        : transcript(call, { text, task, seconds, usage }),
  };
}

interface Heard {
  readonly text: string;
  readonly task: string;
  readonly seconds: number;
  readonly usage: Usage;
}

function transcript(call: ModelCall, { text, task, seconds, usage }: Heard): Answer {
  const format = fieldOf(call.form, 'response_format') ?? 'json';
  const whole = (body: string) => bytesAnswer(Buffer.from(body), 'text/plain; charset=utf-8', usage);
  const end = `00:00:${String(Math.min(seconds, 59)).padStart(2, '0')}`;
  switch (format) {
    case 'json':
      return jsonAnswer({ text }, usage);
    case 'text':
      return whole(`${text}\n`);
    case 'srt':
      return whole(`1\n00:00:00,000 --> ${end},000\n${text}\n\n`);
    case 'vtt':
      return whole(`WEBVTT\n\n00:00:00.000 --> ${end}.000\n${text}\n\n`);
    case 'verbose_json': {
      const segment = {
        id: 0,
        seek: 0,
        start: 0,
        end: seconds,
        text,
        tokens: [],
        temperature: 0,
        avg_logprob: -0.2,
        compression_ratio: 1,
        no_speech_prob: 0.01,
      };
      return jsonAnswer(
        { task, language: fieldOf(call.form, 'language') ?? 'english', duration: seconds, text, segments: [segment] },
        usage,
      );
    }
    default:
      throw badRequest(
        `Invalid value: '${format}'. Supported values are: 'json', 'text', 'srt', 'verbose_json', and 'vtt'.`,
        'response_format',
        'invalid_value',
      );
  }
}

function* transcriptFrames(text: string, usage: Usage): Generator<Frame> {
  for (const piece of piecesOf(text))
    yield dataFrame({ type: 'transcript.text.delta', delta: piece.text }, true, piece.tokens);
  const { promptTokens, completionTokens } = usage;
  const told = {
    type: 'tokens',
    input_tokens: promptTokens,
    output_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
  yield dataFrame({ type: 'transcript.text.done', text, usage: told });
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  mp3: 'audio/mpeg',
  opus: 'audio/ogg',
  aac: 'audio/aac',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
};

/** Noise, no speech: bytes that depend on the input, as many as it has characters times a hundred. */
export function speech(call: ModelCall): Job {
  const input = stringAt(call.json, 'input');
  if (input === null || input === '')
    throw badRequest("Missing required parameter: 'input'.", 'input', 'missing_required_parameter');
  if (input.length > 4_096)
    throw badRequest(
      'Invalid input: string too long. Expected a string with maximum length 4096.',
      'input',
      'string_above_max_length',
    );
  const format = stringAt(call.json, 'response_format') ?? 'mp3';
  const contentType = CONTENT_TYPES[format];
  if (contentType === undefined) throw badRequest(`Invalid value: '${format}'.`, 'response_format', 'invalid_value');
  const usage: Usage = { promptTokens: tokensIn(input), cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 };
  const speed = numberAt(call.json, 'speed') ?? 1;
  return {
    estimate: usage.promptTokens,
    run: () => ({
      kind: 'stream',
      headers: { 'content-type': contentType },
      frames: noise(input, stringAt(call.json, 'voice') ?? '', speed),
      errors: 'chat',
      usage,
    }),
  };
}

function* noise(input: string, voice: string, speed: number): Generator<Frame> {
  const draw = drawFrom(seedOf(input, voice, String(speed)));
  for (let left = input.length * 100; left > 0; left -= 4_096) {
    yield {
      bytes: Uint8Array.from({ length: Math.min(left, 4_096) }, () => Math.floor(draw() * 256)),
      content: true,
      tokens: 0,
    };
  }
}
