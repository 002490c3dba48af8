import { type Fields, fieldsOf, listOf, parseFields, textsIn, textsInBroken } from './reading.ts';

/** What a model has written. */
export interface CompletionText {
  readonly texts: readonly string[];
  /** How much of the answer this is. */
  readonly share: number;
}

/** What is written in pieces; each piece is of the one text that belongs to its name and place. */
const DELTAS = new Set([
  'response.output_text.delta',
  'response.refusal.delta',
  'response.function_call_arguments.delta',
  'response.custom_tool_call_input.delta',
  'response.reasoning_text.delta',
  'response.reasoning_summary_text.delta',
  'response.mcp_call_arguments.delta',
  'response.code_interpreter_call_code.delta',
  'response.output_audio_transcript.delta',
]);

/** What can be read of an answer, or of its beginning: JSON or server-sent events, whole or cut off anywhere. */
export function completionText(answer: Buffer, answerBytes: number): CompletionText {
  const text = answer.toString('utf8');
  const kept = answer.length === 0 ? 1 : Math.min(1, answer.length / Math.max(1, answerBytes));
  if (!text.trimStart().startsWith('{')) return { texts: textsInEvents(text), share: kept };
  const json = parseFields(text);
  if (json !== null) return { texts: textsInAnswer(json), share: kept };
  const broken = textsInBroken(text);
  return { texts: broken.texts, share: kept * broken.share };
}

/** One text for each choice or item, as its pieces make one whole: a piece alone can be half a token. */
function textsInEvents(text: string): string[] {
  const written = new Map<string, string[]>();
  const write = (place: string, pieces: readonly string[]): void => {
    if (pieces.length === 0) return;
    const known = written.get(place);
    if (known === undefined) written.set(place, [...pieces]);
    else known.push(...pieces);
  };
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (!line.startsWith('data:')) continue;
    const event = parseFields(line.slice('data:'.length));
    if (event !== null) readEvent(event, write);
  }
  return [...written.values()].map((pieces) => pieces.join(''));
}

/** Which choice, item or call a piece is of. */
function indexOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

type Write = (place: string, pieces: readonly string[]) => void;

function readEvent(event: Fields, write: Write): void {
  const { type, delta, item } = event;
  if (typeof type === 'string' && DELTAS.has(type)) {
    write(`${type} ${indexOf(event['output_index'])} ${indexOf(event['content_index'])}`, textsIn([delta]));
  }
  if (type === 'response.output_item.added') {
    write(`name ${indexOf(event['output_index'])}`, textsIn([fieldsOf(item)['name']]));
  }
  for (const choice of listOf(event['choices']).map(fieldsOf)) {
    const place = indexOf(choice['index']);
    write(`text ${place}`, textsIn([choice['text']]));
    readDelta(fieldsOf(choice['delta']), place, write);
  }
}

function readDelta(delta: Fields, place: number, write: Write): void {
  write(`content ${place}`, textsIn([delta['content'], delta['refusal']]));
  write(`reasoning ${place}`, textsIn([delta['reasoning_content'] ?? delta['reasoning']]));
  write(`audio ${place}`, textsIn([fieldsOf(delta['audio'])['transcript']]));
  const calls = [{ function: delta['function_call'] }, ...listOf(delta['tool_calls']).map(fieldsOf)];
  for (const call of calls) {
    const at = `${place} ${'index' in call ? indexOf(call['index']) : '-'}`;
    for (const part of [call['function'], 'custom' in call ? call['custom'] : undefined].map(fieldsOf)) {
      write(`name ${at}`, textsIn([part['name']]));
      write(`call ${at}`, textsIn([part['arguments'], part['input']]));
    }
  }
}

function textsInAnswer(json: Fields): string[] {
  const output = [...listOf(json['output']), ...listOf(fieldsOf(json['response'])['output'])].map(fieldsOf);
  const choices = listOf(json['choices']).map(fieldsOf);
  return [
    ...choices.flatMap((choice) => [...textsIn([choice['text']]), ...textsInMessage(fieldsOf(choice['message']))]),
    ...output.flatMap((item) => [
      ...textsIn([item['name'], item['arguments'], item['input']]),
      ...listOf(item['content'])
        .map(fieldsOf)
        .flatMap((part) => textsIn([part['text'], part['refusal']])),
    ]),
  ];
}

function textsInMessage(message: Fields): string[] {
  const calls = [{ function: message['function_call'] }, ...listOf(message['tool_calls']).map(fieldsOf)];
  const parts = calls.flatMap((call) => [call['function'], 'custom' in call ? call['custom'] : undefined]);
  return [
    ...textsIn([message['content'], message['refusal'], message['reasoning_content']]),
    ...parts.map(fieldsOf).flatMap((part) => textsIn([part['name'], part['arguments'], part['input']])),
  ];
}
