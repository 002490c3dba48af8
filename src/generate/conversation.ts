import { RouterError } from '../domain/errors.ts';
import { type HeaderList, headerValue } from '../domain/message.ts';
import { type Chat, OWN, type Own, type Parameters, parametersFor, type Refusals } from './parameters.ts';
import type { CacheWish, Candidate, Ended, Line } from './port.ts';
import { Totals } from './totals.ts';
import { type Completion, chat, plain, type Turn, type WholeAnswer } from './wire.ts';

/** What a model said at last. */
export interface Said {
  readonly kind: 'said';
  /** Empty where it said nothing. */
  readonly text: string;
  readonly finish: string;
  readonly refusal: string | null;
  readonly model: string;
  readonly headers: HeaderList;
}

export type Heard = Said | { readonly kind: 'passed'; readonly answer: WholeAnswer };

/** The calls that one request comes to, and what they used. */
export class Conversation {
  readonly #line: Line;
  readonly #refusals: Refusals;
  readonly totals = new Totals();
  readonly #givenUp = new Set<Own>();

  constructor(line: Line, refusals: Refusals) {
    this.#line = line;
    this.#refusals = refusals;
  }

  /** Asks again without what a model turns out not to take; each such thing once. */
  async ask(wanted: Chat, cache: CacheWish): Promise<Heard> {
    const candidates = await this.#line.candidates(wanted.model);
    for (;;) {
      const givenUp = new Set([...this.#refusals.by(candidates), ...this.#givenUp]);
      const parameters = parametersFor(wanted, candidates, givenUp);
      const turn = await chat(this.#line, parameters, cache);
      if (turn.kind === 'completed') return this.#hear(turn.completion, turn.answer);
      const refused = refusedIn(turn, parameters, wanted);
      if (refused === null || givenUp.has(refused)) return { kind: 'passed', answer: turn.answer };
      this.#givenUp.add(refused);
      const deployment = this.#answeredBy(turn.answer);
      if (deployment !== null) this.#refusals.add(deployment, refused);
    }
  }

  #answeredBy({ headers }: WholeAnswer): Candidate | null {
    const id = headerValue(headers, 'x-router-deployment');
    return id === null ? null : { id: id as Candidate['id'], model: this.#line.modelOf(id) };
  }

  #hear({ choices, model, usage }: Completion, { headers }: WholeAnswer): Said {
    this.totals.add(usage, headers);
    const [choice] = choices;
    return {
      kind: 'said',
      text: choice?.message.content ?? '',
      finish: choice?.finish_reason ?? 'stop',
      refusal: choice?.message.refusal ?? null,
      model,
      headers,
    };
  }

  /** What every answer says beside its content. */
  facts({ model, headers }: Said): Record<string, unknown> {
    return {
      model,
      deployment: headerValue(headers, 'x-router-deployment'),
      usage: this.totals.usage(),
      requestId: this.#line.requestId,
      ...(headerValue(headers, 'x-router-cache') === 'hit' ? { cached: true } : {}),
    };
  }

  /** 422: a deployment answered, and its answer is of no use. */
  refuse(said: Said, message: string, beside: object, param: string | null = null): Ended {
    const own = this.totals.headers(said.headers);
    // Every error of the router's own bears it already.
    const headers = own.filter((_, at) => own[at - (at % 2)] !== 'x-router-request-id');
    const error = new RouterError('upstream_failed', message, { status: 422, param, headers });
    return { kind: 'refused', error, beside: { ...beside, ...this.facts(said) } };
  }
}

/** Which of the parameters that the router put in is refused; what the caller wanted is the caller's to change. */
function refusedIn(turn: Turn & { kind: 'refused' }, parameters: Parameters, wanted: Chat): Own | null {
  const { param, answer } = turn;
  if (answer.status !== 400) return null;
  // Older versions of the service name the parameter in the message alone.
  const text = param === null && answer.body !== null ? plain(answer.body, answer.headers).toString('utf8') : '';
  const isMeant = (own: Own): boolean => (param === null ? text.includes(own) : param.split(/[.[]/, 1)[0] === own);
  return OWN.find((own) => parameters[own] !== undefined && !isCallers(own, wanted) && isMeant(own)) ?? null;
}

function isCallers(own: Own, { temperature, reasoningEffort }: Chat): boolean {
  return (own === 'temperature' && temperature !== null) || (own === 'reasoning_effort' && reasoningEffort !== null);
}
