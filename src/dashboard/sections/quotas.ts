/// <reference lib="dom" />
import type { Overview, OverviewQuota } from '../../domain/overview.ts';
import type { Section } from '../desk.ts';
import { bar, byId, el, KeyedRows, type Row, setHidden, setText } from '../dom.ts';
import { clockTime, count, countdown, dollars, percent } from '../words/format.ts';

const NAMES: Readonly<Record<string, string>> = {
  requestsPerMinute: 'Requests a minute',
  tokensPerMinute: 'Tokens a minute',
  tokensPerDay: 'Tokens a day',
  tokensPerMonth: 'Tokens a month',
  usdPerDay: 'Dollars a day',
  usdPerMonth: 'Dollars a month',
};

/** How much of what accounts may use is used, and when that begins anew. */
export class QuotasSection implements Section {
  readonly #list = el('ul', { class: 'quotas', role: 'list' });
  readonly #empty = el('p', { class: 'empty' }, 'No account has a quota.');
  readonly #rows = new KeyedRows<OverviewQuota>(
    this.#list,
    ({ account, quota }) => JSON.stringify([account, quota]),
    () => this.#row(),
  );
  #now = 0;
  #shown: readonly OverviewQuota[] = [];

  constructor() {
    byId('quotas', HTMLElement).append(this.#list, this.#empty);
  }

  show({ quotas }: Overview, now: number): void {
    this.#shown = quotas;
    this.tick(now);
    setHidden(this.#list, quotas.length === 0);
    setHidden(this.#empty, quotas.length > 0);
  }

  tick(now: number): void {
    this.#now = now;
    this.#rows.show(this.#shown);
  }

  #row(): Row<OverviewQuota> {
    const account = el('strong');
    const kind = el('span', { class: 'quiet' });
    const used = el('span', { class: 'quota-used' });
    const reset = el('span', { class: 'under' });
    const level = bar();
    const head = el('p', { class: 'quota-head' }, el('span', {}, account, ' ', kind), used);
    return {
      node: el('li', {}, head, level.node, reset),
      update: ({ account: who, quota, limit, used: spent, reserved, resetsAt }) => {
        const figure = quota.startsWith('usd') ? dollars : count;
        const share = limit > 0 ? (spent + reserved) / limit : 1;
        const kept = reserved > 0 ? `, ${figure(reserved)} reserved` : '';
        setText(account, who);
        setText(kind, NAMES[quota] ?? quota);
        setText(used, `${figure(spent)} of ${figure(limit)} (${percent(Math.min(spent, limit), limit)}${kept})`);
        level.show(share, share >= 1 ? 'bad' : share > 0.8 ? 'wait' : 'good');
        const full = share >= 1 ? 'Used up; begins' : 'Begins';
        setText(reset, `${full} anew at ${clockTime(resetsAt, this.#now)}, ${countdown(resetsAt, this.#now)}`);
      },
    };
  }
}
