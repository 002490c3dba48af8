/// <reference lib="dom" />
import type { ActivityMinute, Overview } from '../../domain/overview.ts';
import type { Section } from '../desk.ts';
import { byId, el, setAttribute, setText } from '../dom.ts';
import { count, dollars, NONE, percent } from '../words/format.ts';

interface Figure {
  readonly value: string;
  readonly note: string;
  readonly tone?: 'wait' | 'bad';
}

type Sums = Omit<ActivityMinute, 'at'>;

const FIGURES: Readonly<Record<string, (sums: Sums, overview: Overview) => Figure>> = {
  Requests: (sums, overview) => ({
    value: count(sums.requests),
    note: `${count(overview.activity.minutes.at(-1)?.requests ?? 0)} in this minute`,
  }),
  Failed: ({ failed, requests }) => ({
    value: count(failed),
    note: requests === 0 ? 'no requests' : `${percent(failed, requests)} of requests`,
    ...(failed > 0 ? { tone: 'bad' } : {}),
  }),
  '429 from deployments': ({ throttled, requests }) => ({
    value: count(throttled),
    note: requests === 0 ? 'no requests' : `${percent(throttled, requests)} of requests`,
    ...(throttled > 0 ? { tone: 'wait' } : {}),
  }),
  Failovers: ({ failovers }) => ({
    value: count(failovers),
    note: failovers === 0 ? 'none went elsewhere' : 'went elsewhere',
    ...(failovers > 0 ? { tone: 'wait' } : {}),
  }),
  Tokens: ({ promptTokens, completionTokens }) => ({
    value: count(promptTokens + completionTokens),
    note: `${count(promptTokens)} in, ${count(completionTokens)} out`,
  }),
  Cost: ({ costUsd, requests }) => ({
    value: dollars(costUsd),
    note: requests === 0 ? 'no requests' : `${dollars(costUsd / requests)} a request`,
  }),
  'Prompt cache': ({ cachedTokens, promptTokens }) => ({
    value: percent(cachedTokens, promptTokens),
    note: promptTokens === 0 ? 'no prompt tokens' : `${count(cachedTokens)} tokens cached`,
  }),
  'Response cache': (_sums, { activity: { cache } }) => ({
    value: percent(cache.hits, cache.hits + cache.misses),
    note: cache.hits + cache.misses === 0 ? 'not asked' : `${count(cache.hits)} of ${count(cache.hits + cache.misses)}`,
  }),
};

/** This instance's last hour in eight figures. */
export class TilesSection implements Section {
  readonly #tiles = Object.entries(FIGURES).map(([name, figure]) => {
    const value = el('dd', { class: 'tile-value' }, NONE);
    const note = el('dd', { class: 'tile-note' });
    const node = el('div', { class: 'tile' }, el('dt', {}, name), value, note);
    return { node, value, note, figure };
  });

  constructor() {
    byId('tiles', HTMLDListElement).append(...this.#tiles.map(({ node }) => node));
  }

  show(overview: Overview): void {
    const sums = summed(overview.activity.minutes);
    for (const { node, value, note, figure } of this.#tiles) {
      const shown = figure(sums, overview);
      setText(value, shown.value);
      setText(note, shown.note);
      setAttribute(node, 'data-tone', shown.tone ?? null);
    }
  }
}

function summed(minutes: readonly ActivityMinute[]): Sums {
  const of = (figure: keyof Sums): number => minutes.reduce((sum, minute) => sum + minute[figure], 0);
  return {
    requests: of('requests'),
    failed: of('failed'),
    throttled: of('throttled'),
    failovers: of('failovers'),
    promptTokens: of('promptTokens'),
    cachedTokens: of('cachedTokens'),
    completionTokens: of('completionTokens'),
    costUsd: of('costUsd'),
  };
}
