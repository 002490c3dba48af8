/// <reference lib="dom" />
import type { Overview, OverviewEvent } from '../../domain/overview.ts';
import type { Section } from '../desk.ts';
import { byId, el, icon, KeyedRows, type Row, setHidden, setTime, timeElement } from '../dom.ts';
import { clockTime } from '../words/format.ts';
import { eventKey, eventWords } from '../words/sentences.ts';

/** What happened, newest first. What is told once does not change, so neither does its line. */
export class EventsSection implements Section {
  readonly #list = el('ol', { class: 'events', tabindex: '0', role: 'list', 'aria-labelledby': 'events-title' });
  readonly #empty = el('p', { class: 'empty' }, 'Nothing has happened yet: no failover, no move, no breaker.');
  readonly #rows = new KeyedRows<OverviewEvent>(this.#list, eventKey, (event) => this.#row(event));
  #now = 0;

  constructor() {
    byId('events', HTMLElement).append(this.#list, this.#empty);
  }

  show({ events }: Overview, now: number): void {
    this.#now = now;
    this.#rows.show(events);
    setHidden(this.#list, events.length === 0);
    setHidden(this.#empty, events.length > 0);
  }

  #row(event: OverviewEvent): Row<OverviewEvent> {
    const { tone, label, sentence } = eventWords(event, this.#now);
    const time = timeElement();
    setTime(time, event.at, clockTime(event.at, this.#now));
    const head = el('p', { class: 'event-head' }, el('strong', {}, label), ' ', time);
    const words = el('div', {}, head, el('p', { class: 'event-words' }, sentence));
    return { node: el('li', { 'data-tone': tone }, icon(tone), words), update: () => undefined };
  }
}
