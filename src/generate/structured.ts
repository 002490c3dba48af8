import { Checker } from './check.ts';
import type { Conversation, Said } from './conversation.ts';
import { type Extracted, extract } from './extract.ts';
import type { StructuredOrder } from './form.ts';
import { type Chat, isStrict } from './parameters.ts';
import type { Ended, Mismatch } from './port.ts';

type Reading =
  | { readonly kind: 'read'; readonly found: Extracted }
  | { readonly kind: 'faulty'; readonly faults: readonly Mismatch[] };

/** Asks, checks, and asks once more with what was wrong. */
export async function structured(conversation: Conversation, order: StructuredOrder): Promise<Ended> {
  const checker = new Checker(order.schema);
  // A schema that can never be checked shows it on any value, before anything is paid for.
  checker.mismatches(null);
  const { name, schema, strict } = order;
  const chat: Chat = { ...order, format: { name, schema, strict: strict ?? isStrict(schema) } };
  const first = await conversation.ask(chat, 'on');
  if (first.kind === 'passed') return first;
  const stopped = unfinished(conversation, first, order);
  if (stopped !== null) return stopped;
  const reading = read(first.text, checker);
  if (reading.kind === 'read') return done(conversation, first, reading.found, false);
  // From the cache the same would come again.
  const second = await conversation.ask(repairOf(chat, first.text, reading.faults), 'refresh');
  if (second.kind === 'passed') return second;
  const stoppedAgain = unfinished(conversation, second, order);
  if (stoppedAgain !== null) return stoppedAgain;
  const repaired = read(second.text, checker);
  if (repaired.kind === 'read') return done(conversation, second, repaired.found, true);
  const message = 'The model did not give JSON that matches the schema, nor did it when it was told what was wrong.';
  return conversation.refuse(second, message, { raw: second.text, faults: repaired.faults });
}

/** An answer that is not one, however it looks. */
function unfinished(conversation: Conversation, said: Said, { maxTokens }: StructuredOrder): Ended | null {
  const raw = said.text;
  if (said.refusal !== null)
    return conversation.refuse(said, 'The model refused to answer.', { raw, refusal: said.refusal });
  if (said.finish === 'length') {
    const limit = maxTokens === null ? "the model's own limit" : `maxTokens, which is ${maxTokens}`;
    const message = `The answer was cut off at ${limit}; reasoning counts as well. Raise maxTokens, or ask for less.`;
    return conversation.refuse(said, message, { raw, finishReason: said.finish }, 'maxTokens');
  }
  if (said.finish !== 'content_filter') return null;
  return conversation.refuse(said, "The deployment's content filter cut the answer off.", {
    raw,
    finishReason: said.finish,
  });
}

function read(text: string, checker: Checker): Reading {
  const found = extract(text);
  if (found.length === 0) return faulty([{ path: '', found: 'no JSON', allowed: 'one JSON value and nothing else' }]);
  const judged = found.map((one) => ({ one, faults: checker.mismatches(one.value) }));
  const good = judged.filter(({ faults }) => faults.length === 0);
  const [only] = good;
  if (good.length === 1 && only !== undefined) return { kind: 'read', found: only.one };
  // Which of them was meant is not the router's to guess.
  if (good.length > 1)
    return faulty([{ path: '', found: `${good.length} JSON values`, allowed: 'one JSON value and nothing else' }]);
  return faulty(judged.at(-1)?.faults ?? []);
}

function faulty(faults: readonly Mismatch[]): Reading {
  return { kind: 'faulty', faults };
}

function repairOf(chat: Chat, raw: string, faults: readonly Mismatch[]): Chat {
  const list = faults.map(
    ({ path, found, allowed }) => `- at ${path === '' ? 'the whole' : path}: found ${found}; allowed: ${allowed}`,
  );
  const content = `That does not match the schema:\n${list.join('\n')}\nAnswer again with the corrected JSON and nothing else.`;
  const said = raw === '' ? [] : [{ role: 'assistant', content: raw }];
  return { ...chat, messages: [...chat.messages, ...said, { role: 'user', content }] };
}

/** The data goes out as the model wrote it: reading and writing it again would round long numbers. */
function done(conversation: Conversation, said: Said, { text }: Extracted, repaired: boolean): Ended {
  const { model, deployment, ...rest } = conversation.facts(said);
  const beside = JSON.stringify({ model, deployment, repaired, ...rest });
  return {
    kind: 'done',
    json: `{"data":${text},${beside.slice(1)}`,
    headers: conversation.totals.headers(said.headers),
  };
}
