/// <reference lib="dom" />
import type { ActivityMinute, Overview } from '../../domain/overview.ts';
import type { Section } from '../desk.ts';
import { byId, el, KeyedRows, setText } from '../dom.ts';
import { type Column, cell, headCell, row, table } from '../table.ts';
import { clockTime, count, dollars } from '../words/format.ts';
import { Chart, type ChartPlan } from './chart.ts';

const REQUESTS: ChartPlan = {
  title: 'Requests per minute',
  series: [
    { name: 'failed', colour: '--chart-bad' },
    { name: '429', colour: '--chart-wait' },
    { name: 'served', colour: '--chart-main' },
  ],
  format: count,
};
const TOKENS: ChartPlan = {
  title: 'Tokens per minute',
  series: [
    { name: 'cached prompt', colour: '--chart-soft' },
    { name: 'prompt', colour: '--chart-main' },
    { name: 'completion', colour: '--chart-deep' },
  ],
  format: count,
};
const COST: ChartPlan = {
  title: 'Cost per minute',
  series: [{ name: 'US dollars', colour: '--chart-deep' }],
  format: dollars,
};

const COLUMNS = ['Requests', 'Failed', '429', 'Failovers', 'Prompt tokens', 'Cached', 'Completion tokens', 'Cost'].map(
  (name): Column => ({ name, isFigure: true }),
);

/** The last hour, minute by minute: as pictures, and as the table behind them. */
export class TrafficSection implements Section {
  readonly #requests = new Chart(REQUESTS);
  readonly #tokens = new Chart(TOKENS);
  readonly #cost = new Chart(COST);
  readonly #table = table('The last hour by minute', [{ name: 'Minute' }, ...COLUMNS]);
  readonly #details: HTMLDetailsElement;
  readonly #rows = new KeyedRows<ActivityMinute>(
    this.#table.body,
    ({ at }) => at,
    (minute) => this.#row(minute),
  );
  #minutes: readonly ActivityMinute[] = [];

  constructor() {
    const scroller = el(
      'div',
      { class: 'scroller', tabindex: '0', role: 'region', 'aria-label': 'Minutes' },
      this.#table.node,
    );
    this.#details = el('details', {}, el('summary', {}, 'The same as a table'), scroller);
    this.#details.addEventListener('toggle', () => this.#list());
    const charts = el('div', { class: 'charts' }, this.#requests.node, this.#tokens.node, this.#cost.node);
    byId('traffic', HTMLElement).append(
      el('p', { class: 'panel-note' }, 'What this instance answered; minutes under way are at the right.'),
      charts,
      this.#details,
    );
  }

  show({ activity }: Overview): void {
    const { minutes } = activity;
    this.#minutes = minutes;
    const at = minutes.map((minute) => Date.parse(minute.at));
    const of = (pick: (minute: ActivityMinute) => number): number[] => minutes.map(pick);
    this.#requests.show({
      at,
      values: [
        of(({ failed }) => failed),
        of(metLimits),
        of((minute) => minute.requests - minute.failed - metLimits(minute)),
      ],
    });
    this.#tokens.show({
      at,
      values: [
        of(({ cachedTokens }) => cachedTokens),
        of(({ promptTokens, cachedTokens }) => promptTokens - cachedTokens),
        of(({ completionTokens }) => completionTokens),
      ],
    });
    this.#cost.show({ at, values: [of(({ costUsd }) => costUsd)] });
    this.#list();
  }

  /** Drawn while somebody reads it. */
  #list(): void {
    if (this.#details.open) this.#rows.show([...this.#minutes].reverse());
  }

  #row({ at }: ActivityMinute) {
    const cells = COLUMNS.map((column) => cell(column));
    return {
      node: row(headCell(clockTime(at, Date.parse(at)).slice(0, 5)), ...cells),
      update: (minute: ActivityMinute) => {
        const { requests, failed, throttled, failovers, promptTokens, cachedTokens, completionTokens } = minute;
        const figures = [requests, failed, throttled, failovers, promptTokens, cachedTokens, completionTokens];
        const texts = [...figures.map(count), dollars(minute.costUsd)];
        for (const [index, one] of cells.entries()) setText(one, texts[index] ?? '');
      },
    };
  }
}

/** Of those that did not fail, no more than there are: a request may meet a limit more than once. */
function metLimits({ requests, failed, throttled }: ActivityMinute): number {
  return Math.max(0, Math.min(throttled, requests - failed));
}
