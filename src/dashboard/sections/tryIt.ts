/// <reference lib="dom" />
import type { Overview } from '../../domain/overview.ts';
import type { Desk, Section } from '../desk.ts';
import { labelled, select } from '../dialogs.ts';
import { byId, el, setAttribute, setHidden, setText } from '../dom.ts';
import { answerText, StreamedText } from '../live/completion.ts';
import { problemText, refusedBy } from '../live/router.ts';
import { type Explanation, ExplanationView } from './explanation.ts';

const PATH = '/v1/chat/completions';
/** As long as the router's own deadline may be. */
const WITHIN_MS = 240_000;
const NO_WISH = 'default';

/** What the router said of the way: its headers, and what each is called here. */
const TOLD: Readonly<Record<string, string>> = {
  'x-router-route': 'Route',
  'x-router-attempts': 'Attempts',
  'x-router-tier': 'Tier',
  'x-router-cache': 'Response cache',
  'x-router-tokens': 'Tokens',
  'x-router-cost-usd': 'Cost in dollars',
  'server-timing': 'Timing',
  'x-router-request-id': 'Request',
};

/** Sends a question as an agent would, and shows the answer with the way it took; or the way alone. */
export class TryItSection implements Section {
  readonly #desk: Desk;
  readonly #models = el('datalist', { id: 'try-models' });
  readonly #agents = el('datalist', { id: 'try-agents' });
  readonly #model = labelled(
    'Model, pool or deployment',
    el('input', { list: 'try-models', autocomplete: 'off', required: true }),
  );
  readonly #agent = labelled(
    'Agent',
    el('input', { list: 'try-agents', autocomplete: 'off', placeholder: 'unknown_agent' }),
  );
  readonly #tier = labelled('Tier', select([NO_WISH, 'premium', 'standard', 'economy']));
  readonly #prompt = el('textarea', { id: 'try-prompt', rows: '3', required: true });
  readonly #streamed = el('input', { type: 'checkbox' });
  readonly #send = el('button', { type: 'submit', class: 'primary' }, 'Send');
  readonly #explain = el('button', { type: 'button' }, 'Explain');
  readonly #headline = el('p', { class: 'answer-head', role: 'status' });
  readonly #hint = el(
    'p',
    { class: 'empty' },
    'The answer and the way it took come here. Explain tells the way without sending anything.',
  );
  readonly #answer = el('pre', { class: 'answer', tabindex: '0', 'aria-label': 'Answer' });
  readonly #route = el('dl', { class: 'route' });
  readonly #explanation = new ExplanationView();
  #known = '';

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#prompt.value = 'Say in one sentence what a router does.';
    this.#streamed.checked = true;
    const form = el(
      'form',
      { class: 'try', autocomplete: 'off' },
      el('div', { class: 'fields three' }, this.#model.node, this.#agent.node, this.#tier.node),
      el('div', { class: 'field' }, el('label', { for: 'try-prompt' }, 'Prompt'), this.#prompt),
      el(
        'div',
        { class: 'try-buttons' },
        el('label', { class: 'check' }, this.#streamed, ' Stream the answer'),
        this.#explain,
        this.#send,
      ),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#run(() => this.#complete());
    });
    this.#explain.addEventListener('click', () => {
      if (form.reportValidity()) void this.#run(() => this.#explainIt());
    });
    const result = el(
      'div',
      { class: 'result' },
      this.#hint,
      this.#headline,
      this.#answer,
      this.#route,
      this.#explanation.node,
    );
    byId('try', HTMLElement).append(el('div', { class: 'two' }, form, result), this.#models, this.#agents);
    this.#clear();
  }

  show({ pools, deployments, agents }: Overview): void {
    const models = ['auto', ...pools.map(({ name }) => name), ...deployments.map(({ id }) => id)];
    const names = agents.map(({ agent }) => agent);
    const known = JSON.stringify([models, names]);
    if (known === this.#known) return;
    if (this.#known === '') this.#model.input.value = pools[0]?.name ?? 'auto';
    this.#known = known;
    this.#models.replaceChildren(...models.map((value) => el('option', { value })));
    this.#agents.replaceChildren(...names.map((value) => el('option', { value })));
  }

  async #run(act: () => Promise<void>): Promise<void> {
    this.#clear();
    setHidden(this.#hint, true);
    setText(this.#headline, 'Under way…');
    this.#send.disabled = true;
    this.#explain.disabled = true;
    try {
      await act();
    } catch (error) {
      this.#fail(problemText(error));
    }
    this.#send.disabled = false;
    this.#explain.disabled = false;
  }

  async #complete(): Promise<void> {
    const { headers, body } = this.#request();
    const response = await this.#desk.router.send(PATH, { headers, body, withinMs: WITHIN_MS });
    this.#showRoute(response.headers);
    if (!response.ok) {
      const { status, message } = await refusedBy(response);
      this.#fail(`${status}: ${message}`);
      return;
    }
    setText(this.#headline, `Answered by ${response.headers.get('x-router-deployment') ?? 'a deployment'}`);
    setAttribute(this.#headline, 'data-tone', 'good');
    setHidden(this.#answer, false);
    await this.#showAnswer(response);
  }

  async #showAnswer(response: Response): Promise<void> {
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
    if (!isStream || response.body === null) {
      setText(this.#answer, answerText(await response.text()));
      return;
    }
    const text = new StreamedText();
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read())
      this.#answer.append(text.add(part.value));
  }

  async #explainIt(): Promise<void> {
    const { headers, body } = this.#request();
    const told = await this.#desk.router.ask<Explanation>('/router/explain', { body: { path: PATH, headers, body } });
    const first = told.candidates[0]?.deployment ?? null;
    setText(
      this.#headline,
      first === null ? 'Nobody would serve it now.' : `It would go to ${first}. Nothing was sent.`,
    );
    setAttribute(this.#headline, 'data-tone', first === null ? 'bad' : 'good');
    this.#explanation.show(told, this.#desk.time.now());
  }

  #request() {
    const agent = this.#agent.input.value.trim();
    const tier = this.#tier.input.value;
    const headers = {
      ...(agent === '' ? {} : { 'x-agent-name': agent }),
      ...(tier === NO_WISH ? {} : { 'x-router-tier': tier }),
      'x-operation': 'dashboard',
    };
    const body = {
      model: this.#model.input.value.trim(),
      stream: this.#streamed.checked,
      messages: [{ role: 'user', content: this.#prompt.value }],
    };
    return { headers, body };
  }

  #showRoute(headers: Headers): void {
    const told = Object.entries(TOLD).flatMap(([header, name]) => {
      const value = headers.get(header);
      return value === null ? [] : [el('div', {}, el('dt', {}, name), el('dd', {}, value.replaceAll(',', ', ')))];
    });
    this.#route.replaceChildren(...told);
    setHidden(this.#route, told.length === 0);
  }

  #fail(problem: string): void {
    setText(this.#headline, problem);
    setAttribute(this.#headline, 'data-tone', 'bad');
  }

  #clear(): void {
    setText(this.#headline, '');
    setAttribute(this.#headline, 'data-tone', null);
    this.#answer.replaceChildren();
    this.#route.replaceChildren();
    for (const part of [this.#answer, this.#route, this.#explanation.node]) setHidden(part, true);
  }
}
