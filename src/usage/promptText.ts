import { type Fields, fieldsOf, isFields, listOf, parseFields, textsIn, textsInBroken, written } from './reading.ts';

/** What a model is given to read. */
export interface PromptText {
  readonly texts: readonly string[];
  /** Tokens that are not text: what frames the messages, pictures, and what came as tokens. */
  readonly tokens: number;
  /** How much of the prompt this is. */
  readonly share: number;
}

const NOTHING: PromptText = { texts: [], tokens: 0, share: 1 };

/** As OpenAI documents for its chat models. */
const TOKENS_PER_MESSAGE = 4;
const TOKENS_PER_REQUEST = 3;
/** A picture of the common size; what it truly costs depends on sizes that the request does not tell. */
const TOKENS_PER_IMAGE = 765;
const TOKENS_PER_LOW_DETAIL_IMAGE = 85;

/** The prompt of a request's body, whatever operation it is for. A body that is no JSON, such as a form with a sound file, has none. */
export function promptText(body: Buffer, bodyBytes: number): PromptText {
  const text = body.toString('utf8');
  if (!text.trimStart().startsWith('{')) return NOTHING;
  const json = body.length < bodyBytes ? null : parseFields(text);
  if (json !== null) return promptIn(json);
  const broken = textsInBroken(text);
  return { ...NOTHING, texts: broken.texts, share: broken.share * Math.min(1, body.length / Math.max(1, bodyBytes)) };
}

function promptIn(json: Fields): PromptText {
  const isChat = json['messages'] !== undefined;
  const given = isChat ? listOf(json['messages']) : readsItems(json) ? listOf(json['input']) : [];
  const read = given.map((message) => messageText(fieldsOf(message)));
  const plain = plainTexts(json['prompt'], json['input']);
  const messages = given.length + (isItem(json['instructions']) ? 1 : 0);
  const frames = messages === 0 ? 0 : TOKENS_PER_REQUEST + TOKENS_PER_MESSAGE * messages;
  return {
    texts: [
      ...read.flatMap(({ texts }) => texts),
      ...textsIn([json['instructions']]),
      ...plain.texts,
      ...toolTexts(json['tools']),
      ...schemaTexts(json),
    ],
    tokens: frames + plain.tokens + read.reduce((sum, { tokens }) => sum + tokens, 0),
    share: 1,
  };
}

function isItem(value: unknown): boolean {
  return typeof value === 'string';
}

/** The Responses API takes messages as its input; embeddings take texts and tokens. */
function readsItems({ input }: Fields): boolean {
  return listOf(input).some(isFields);
}

interface Read {
  readonly texts: readonly string[];
  readonly tokens: number;
}

/** Texts, lists of texts, tokens and lists of tokens. */
function plainTexts(...values: readonly unknown[]): Read {
  const flat = values.flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value]));
  const tokens = flat.reduce<number>(
    (sum, value) => sum + (typeof value === 'number' ? 1 : Array.isArray(value) ? value.length : 0),
    0,
  );
  return { texts: textsIn(flat), tokens };
}

/** A chat message, or an item of the Responses API: what is said, what was called, and what the call brought. */
function messageText(message: Fields): Read {
  const parts = [...listOf(message['content']), ...listOf(message['output'])].map(fieldsOf);
  const calls = listOf(message['tool_calls']).map(fieldsOf);
  const called = [message['function_call'], ...calls.flatMap((call) => [call['function'], call['custom']])];
  return {
    texts: [
      ...textsIn([message['content'], message['output'], message['name'], message['arguments'], message['input']]),
      ...called.map(fieldsOf).flatMap((call) => textsIn([call['name'], call['arguments'], call['input']])),
      ...parts.flatMap((part) => textsIn([part['text'], part['refusal']])),
    ],
    tokens: parts.reduce((sum, part) => sum + imageTokens(part), 0),
  };
}

function imageTokens(part: Fields): number {
  if (part['type'] !== 'image_url' && part['type'] !== 'input_image') return 0;
  const image = isFields(part['image_url']) ? part['image_url'] : part;
  return image['detail'] === 'low' ? TOKENS_PER_LOW_DETAIL_IMAGE : TOKENS_PER_IMAGE;
}

/** Chat wraps a tool in `function` or `custom`; the Responses API does not. */
function toolTexts(tools: unknown): string[] {
  return listOf(tools).map((tool) => {
    const outer = fieldsOf(tool);
    const inner = outer['function'] ?? outer['custom'] ?? outer;
    const { name, description, parameters, format } = fieldsOf(inner);
    return written({ name, description, parameters, format });
  });
}

function schemaTexts(json: Fields): string[] {
  const chat = fieldsOf(fieldsOf(json['response_format'])['json_schema'])['schema'];
  const responses = fieldsOf(fieldsOf(json['text'])['format'])['schema'];
  return [chat, responses].filter(isFields).map(written);
}
