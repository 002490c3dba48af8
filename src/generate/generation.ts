import { RouterError } from '../domain/errors.ts';
import { Uncheckable } from './check.ts';
import { Conversation } from './conversation.ts';
import { BadOrder, readStructured, readText, type TextOrder } from './form.ts';
import { Refusals } from './parameters.ts';
import type { Ended, Line } from './port.ts';
import { structured } from './structured.ts';

export type Kind = 'structured' | 'text';

/** What the two paths do; it remembers what models would not take. */
export class Generation {
  readonly #refusals = new Refusals();

  async generate(kind: Kind, json: unknown, line: Line): Promise<Ended> {
    try {
      const conversation = new Conversation(line, this.#refusals);
      if (kind === 'structured') return await structured(conversation, readStructured(json));
      return await text(conversation, readText(json));
    } catch (error) {
      if (error instanceof BadOrder) return { kind: 'refused', error: error.error, beside: { faults: error.faults } };
      if (error instanceof Uncheckable) throw uncheckable(error);
      throw error;
    }
  }
}

function uncheckable(cause: Uncheckable): RouterError {
  const message = `Nothing can be checked against this schema: ${cause.message}.`;
  return new RouterError('invalid_request', message, { param: 'schema', cause });
}

async function text(conversation: Conversation, order: TextOrder): Promise<Ended> {
  const heard = await conversation.ask({ ...order, format: null }, 'on');
  if (heard.kind === 'passed') return heard;
  const { text: said, finish, refusal, headers } = heard;
  const { model, deployment, ...rest } = conversation.facts(heard);
  const body = {
    text: said,
    model,
    deployment,
    finishReason: finish,
    ...(refusal === null ? {} : { refusal }),
    ...rest,
  };
  return { kind: 'done', json: JSON.stringify(body), headers: conversation.totals.headers(headers) };
}
