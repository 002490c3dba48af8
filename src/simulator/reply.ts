/** What the model says to an ask: text, JSON for a schema, or calls of tools. It depends on the ask alone. */

import type { Draw } from '../domain/clock.ts';
import { type Ask, lastUserText, promptOf, type Tool } from './ask.ts';
import type { Model } from './catalog.ts';
import { jsonForSchema } from './schema-value.ts';
import { drawFrom, seedOf } from './seeded.ts';
import { cutToTokens, tokensIn } from './tokens.ts';
import { proseFor } from './words.ts';

export interface ToolCall {
  readonly name: string;
  readonly kind: Tool['kind'];
  readonly input: string;
}

export type Finish = 'stop' | 'length' | 'tool_calls' | 'content_filter';

export interface Reply {
  /** Empty where tools are called, or where reasoning used the tokens up. */
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finish: Finish;
  readonly reasoningTokens: number;
  /** Reasoning included. */
  readonly completionTokens: number;
}

const REASONING_TOKENS: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 0,
  low: 64,
  medium: 192,
  high: 512,
  xhigh: 1_024,
};
export const FILTER_OUTPUT_MARK = '[[content_filter_output]]';

/** `choice` tells the answers of one request with `n` apart. */
export function replyTo(ask: Ask, model: Model, choice = 0): Reply {
  const draw = drawFrom(seedOf(promptOf(ask), ask.seed, String(choice)));
  const wantedReasoning = model.reasoning ? (REASONING_TOKENS[ask.effort] ?? 192) : 0;
  const limit = Math.min(ask.maxTokens ?? model.maxOutputTokens, model.maxOutputTokens);
  const reasoningTokens = Math.min(wantedReasoning, limit);
  const left = limit - reasoningTokens;
  const called = toolsToCall(ask);
  if (called.length > 0) return callTools(ask, called, draw, { left, reasoningTokens });
  const full = stopAt(textFor(ask, draw), ask.stop);
  const filtered = lastUserText(ask).includes(FILTER_OUTPUT_MARK);
  const cut = cutToTokens(full, filtered ? Math.min(left, Math.ceil(tokensIn(full) / 2)) : left);
  return {
    text: cut,
    toolCalls: [],
    finish: filtered ? 'content_filter' : cut.length < full.length ? 'length' : 'stop',
    reasoningTokens,
    completionTokens: reasoningTokens + tokensIn(cut),
  };
}

/** The tools the choice demands, else those the last user message calls by name: `call get_weather`. */
function toolsToCall(ask: Ask): readonly Tool[] {
  const { toolChoice, tools } = ask;
  switch (toolChoice.kind) {
    case 'none':
      return [];
    case 'named':
      return tools.filter(({ name }) => name === toolChoice.name).slice(0, 1);
    case 'required':
    case 'auto': {
      const answered = ask.messages.at(-1)?.role === 'tool';
      const question = answered ? '' : lastUserText(ask);
      const asked = tools.filter(({ name }) => new RegExp(`\\bcall ${escaped(name)}(?![\\w-])`).test(question));
      const chosen = asked.length === 0 && toolChoice.kind === 'required' ? tools.slice(0, 1) : asked;
      return ask.parallelTools ? chosen : chosen.slice(0, 1);
    }
    default:
      return toolChoice satisfies never;
  }
}

function callTools(
  ask: Ask,
  called: readonly Tool[],
  draw: Draw,
  room: { left: number; reasoningTokens: number },
): Reply {
  let { left } = room;
  const full = called.map(({ name, kind, parameters }): ToolCall => {
    const input = kind === 'custom' ? proseFor(lastUserText(ask), draw) : jsonForSchema(parameters, draw);
    return { name, kind, input };
  });
  const toolCalls = full.map((toolCall): ToolCall => {
    const input = cutToTokens(toolCall.input, left - tokensIn(toolCall.name));
    left -= tokensIn(toolCall.name) + tokensIn(input);
    return { ...toolCall, input };
  });
  const cut = toolCalls.some(({ input }, index) => input !== full[index]?.input);
  const tokens = room.left - left;
  // A tool that was demanded by name ends with `stop`, as the service has it.
  const usual: Finish = ask.toolChoice.kind === 'named' ? 'stop' : 'tool_calls';
  return {
    text: '',
    toolCalls,
    finish: cut ? 'length' : usual,
    reasoningTokens: room.reasoningTokens,
    completionTokens: room.reasoningTokens + tokens,
  };
}

function textFor(ask: Ask, draw: Draw): string {
  switch (ask.format.kind) {
    case 'json':
      return JSON.stringify({ answer: proseFor(lastUserText(ask), draw) });
    case 'schema':
      return jsonForSchema(ask.format.schema, draw);
    case 'text':
      return proseFor(
        ask.messages.at(-1)?.role === 'tool'
          ? `The tool answered ${ask.messages.at(-1)?.text ?? ''}`
          : lastUserText(ask),
        draw,
      );
    default:
      return ask.format satisfies never;
  }
}

function stopAt(text: string, stops: readonly string[]): string {
  const ends = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  return ends.length === 0 ? text : text.slice(0, Math.min(...ends));
}

function escaped(name: string): string {
  return name.replaceAll(/[^\w]/g, '\\$&');
}
