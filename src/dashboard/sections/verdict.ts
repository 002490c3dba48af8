/// <reference lib="dom" />
import type { Overview } from '../../domain/overview.ts';
import type { Section } from '../desk.ts';
import { byId, el, icon, KeyedRows, setAttribute, setHidden, setShape, setText } from '../dom.ts';
import { clockTime, counted } from '../words/format.ts';
import type { Tone } from '../words/states.ts';
import { verdictOf } from '../words/verdict.ts';

const SPOKEN: Readonly<Record<Tone, string>> = {
  good: 'All is well',
  wait: 'Being handled',
  bad: 'Needs attention',
  off: 'By intent',
};
const FAVICON: Readonly<Record<Tone, string>> = { good: '1f9d61', wait: 'd98e04', bad: 'd92d20', off: '697586' };

/** The line that is read first, and where it comes from. */
export class VerdictSection implements Section {
  readonly #section = byId('verdict', HTMLElement);
  readonly #icon = icon('off');
  readonly #kicker = el('p', { class: 'kicker' });
  readonly #headline = el('h2', { class: 'headline' });
  readonly #further = el('ul', { class: 'further' });
  readonly #sentences = new KeyedRows<string>(
    this.#further,
    (sentence) => sentence,
    (sentence) => ({ node: el('li', {}, sentence), update: () => undefined }),
  );
  readonly #store = el('span', { class: 'fact' });
  readonly #instance = el('span', { class: 'fact' });

  constructor() {
    const words = el('div', { class: 'verdict-words', role: 'status' }, this.#kicker, this.#headline, this.#further);
    const facts = el('p', { class: 'facts' }, this.#store, this.#instance);
    this.#section.append(el('div', { class: 'verdict-row' }, this.#icon, words), facts);
  }

  show(overview: Overview, now: number): void {
    const { tone, headline, further } = verdictOf(overview, now);
    setAttribute(this.#section, 'data-tone', tone);
    setShape(this.#icon, tone);
    setText(this.#kicker, SPOKEN[tone]);
    setText(this.#headline, headline);
    this.#sentences.show(further);
    setHidden(this.#further, further.length === 0);
    setText(this.#store, storeText(overview, now));
    setAttribute(this.#store, 'data-tone', overview.store.healthy ? null : 'bad');
    setText(this.#instance, `Instance ${overview.instance}, up since ${clockTime(overview.startedAt, now)}`);
    setTitle(tone, headline);
  }
}

function storeText({ store }: Overview, now: number): string {
  const kind = store.kind === 'memory' ? 'in memory' : 'in tables';
  if (!store.healthy) {
    const problem = store.problem === null ? '' : `: ${store.problem}`;
    return `Store ${kind} away${store.since === null ? '' : ` since ${clockTime(store.since, now)}`}${problem}`;
  }
  return `Store ${kind}, ${store.shared ? `shared by ${counted(store.instances, 'instance')}` : 'not shared'}`;
}

/** A tab among many says how things stand. */
function setTitle(tone: Tone, headline: string): void {
  const title = tone === 'good' ? 'Azure OpenAI router' : `${headline} – Azure OpenAI router`;
  if (document.title !== title) document.title = title;
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='#${FAVICON[tone]}'/></svg>`;
  setAttribute(byId('favicon', HTMLLinkElement), 'href', `data:image/svg+xml,${encodeURIComponent(svg)}`);
}
