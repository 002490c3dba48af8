/// <reference lib="dom" />
import { byId, el, setText } from '../dom.ts';

const SHOWN_MS = 8_000;

/** Tells what came of an action: to the eye for a while, to a screen reader at once. */
export class Announcer {
  readonly #notes = byId('notes', HTMLElement);
  readonly #polite = byId('said', HTMLElement);
  readonly #urgent = byId('warned', HTMLElement);

  say(text: string): void {
    this.#speak(this.#polite, text);
    this.#show(text, 'good');
  }

  warn(text: string): void {
    this.#speak(this.#urgent, text);
    this.#show(text, 'bad');
  }

  /** The same words twice are two announcements. */
  #speak(region: HTMLElement, text: string): void {
    setText(region, '');
    setTimeout(() => setText(region, text), 50);
  }

  #show(text: string, tone: 'good' | 'bad'): void {
    const note = el('p', { class: 'note', 'data-tone': tone }, text);
    this.#notes.append(note);
    setTimeout(() => note.remove(), SHOWN_MS);
  }
}
