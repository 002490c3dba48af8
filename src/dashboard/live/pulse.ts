/// <reference lib="dom" />
import { byId, setAttribute, setHidden, setText, setTime } from '../dom.ts';
import { clockTime, countdown } from '../words/format.ts';
import type { FeedState } from './feed.ts';

const WORDS: Readonly<Record<FeedState['kind'], { readonly text: string; readonly tone: string }>> = {
  starting: { text: 'Connecting', tone: 'off' },
  live: { text: 'Live', tone: 'good' },
  away: { text: 'No answer', tone: 'bad' },
  locked: { text: 'Locked', tone: 'off' },
};

/** Whether what is shown is so now, and the time. */
export class Pulse {
  readonly #pulse = byId('pulse', HTMLElement);
  readonly #text = byId('pulse-text', HTMLElement);
  readonly #clock = byId('clock', HTMLTimeElement);
  readonly #away = byId('away', HTMLElement);
  readonly #awayText = byId('away-text', HTMLElement);
  readonly #awayNext = byId('away-next', HTMLElement);
  #state: FeedState = { kind: 'starting' };

  constructor(tryNow: () => void) {
    byId('away-now', HTMLButtonElement).addEventListener('click', tryNow);
  }

  show(state: FeedState): void {
    this.#state = state;
    const { text, tone } = WORDS[state.kind];
    setText(this.#text, text);
    setAttribute(this.#pulse, 'data-tone', tone);
    setHidden(this.#away, state.kind !== 'away');
    if (state.kind !== 'away') return;
    const since = clockTime(state.since, state.since);
    setText(this.#awayText, `${state.problem} What is shown is from before ${since}.`);
  }

  /** `now` is the router's time; when it is asked again goes by this machine's. */
  tick(now: number): void {
    setTime(this.#clock, new Date(now).toISOString(), clockTime(now, now));
    const state = this.#state;
    if (state.kind === 'away')
      setText(this.#awayNext, `Next try ${countdown(new Date(state.retryAt).toISOString(), Date.now())}.`);
  }
}
