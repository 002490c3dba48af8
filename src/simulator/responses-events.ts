/** The typed events by which a stream tells of a response, in the service's order. */
import type { Frame } from './answer.ts';
import { type JsonObject, objectsAt, stringAt } from './json.ts';
import type { Reply } from './reply.ts';
import { piecesOf, tokensIn } from './tokens.ts';

type Tell = (type: string, data: JsonObject, generated?: number) => Frame;

export function* responseFrames(body: JsonObject, reply: Reply): Generator<Frame> {
  let sequence = 0;
  const tell: Tell = (type, data, generated) => {
    const event = { type, sequence_number: sequence++, ...data };
    return {
      bytes: Buffer.from(`event: ${type}\ndata: ${JSON.stringify(event)}\n\n`),
      content: generated !== undefined,
      tokens: generated ?? 0,
    };
  };
  const begun = { ...body, status: 'in_progress', incomplete_details: null, output: [], usage: null };
  yield tell('response.created', { response: begun });
  yield tell('response.in_progress', { response: begun });
  // Reasoning is counted with the first thing that is seen after it.
  const unseen = { tokens: reply.reasoningTokens };
  for (const [output_index, item] of objectsAt(body, 'output').entries()) {
    yield* itemFrames(item, output_index, tell, unseen);
  }
  yield tell(`response.${stringAt(body, 'status') ?? 'completed'}`, { response: body });
}

interface Unseen {
  tokens: number;
}

function* itemFrames(item: JsonObject, output_index: number, tell: Tell, unseen: Unseen): Generator<Frame> {
  switch (item['type']) {
    case 'message':
      yield* messageFrames(item, output_index, tell, unseen);
      break;
    case 'function_call':
      yield* inputFrames(item, output_index, tell, {
        field: 'arguments',
        event: 'response.function_call_arguments',
        unseen,
      });
      break;
    case 'custom_tool_call':
      yield* inputFrames(item, output_index, tell, {
        field: 'input',
        event: 'response.custom_tool_call_input',
        unseen,
      });
      break;
    default:
      yield tell('response.output_item.added', { output_index, item });
      yield tell('response.output_item.done', { output_index, item });
  }
}

function* messageFrames(item: JsonObject, output_index: number, tell: Tell, unseen: Unseen): Generator<Frame> {
  const part = objectsAt(item, 'content')[0] ?? {};
  const text = stringAt(part, 'text') ?? '';
  const at = { item_id: item['id'] ?? '', output_index, content_index: 0 };
  yield tell('response.output_item.added', { output_index, item: { ...item, status: 'in_progress', content: [] } });
  yield tell('response.content_part.added', { ...at, part: { ...part, text: '' } });
  for (const piece of piecesOf(text))
    yield tell('response.output_text.delta', { ...at, delta: piece.text, logprobs: [] }, piece.tokens + take(unseen));
  yield tell('response.output_text.done', { ...at, text, logprobs: [] });
  yield tell('response.content_part.done', { ...at, part });
  yield tell('response.output_item.done', { output_index, item });
}

function* inputFrames(
  item: JsonObject,
  output_index: number,
  tell: Tell,
  as: { field: string; event: string; unseen: Unseen },
): Generator<Frame> {
  const input = stringAt(item, as.field) ?? '';
  const at = { item_id: item['id'] ?? '', output_index };
  const nameTokens = tokensIn(stringAt(item, 'name') ?? '');
  yield tell(
    'response.output_item.added',
    { output_index, item: { ...item, status: 'in_progress', [as.field]: '' } },
    nameTokens + take(as.unseen),
  );
  for (const piece of piecesOf(input)) yield tell(`${as.event}.delta`, { ...at, delta: piece.text }, piece.tokens);
  yield tell(`${as.event}.done`, { ...at, [as.field]: input });
  yield tell('response.output_item.done', { output_index, item });
}

function take(unseen: Unseen): number {
  const { tokens } = unseen;
  unseen.tokens = 0;
  return tokens;
}
