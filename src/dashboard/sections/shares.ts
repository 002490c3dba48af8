/// <reference lib="dom" />
import type { Activity, ActivityShare, Overview } from '../../domain/overview.ts';
import type { Section } from '../desk.ts';
import { bar, byId, el, KeyedRows, type Row, setHidden, setText } from '../dom.ts';
import { type Column, cell, headCell, row, table } from '../table.ts';
import { count, dollars, percent } from '../words/format.ts';

type Label = keyof Activity['by'];
const LABELS: readonly Label[] = ['creator', 'model', 'operation', 'agent', 'account'];

const COLUMNS = {
  share: { name: 'Share of cost' },
  cost: { name: 'Cost', isFigure: true },
  requests: { name: 'Requests', isFigure: true },
  tokens: { name: 'Tokens', isFigure: true },
  cached: { name: 'Cached', isFigure: true },
} as const satisfies Readonly<Record<string, Column>>;

/** Who and what the last hour's money went to. */
export class SharesSection implements Section {
  readonly #table = table('Shares of the last hour', [{ name: 'Name' }, ...Object.values(COLUMNS)]);
  readonly #empty = el('p', { class: 'empty' }, 'No requests in the last hour.');
  readonly #rows = new KeyedRows<ActivityShare>(
    this.#table.body,
    ({ name }) => name,
    () => shareRow(() => this.#whole),
  );
  #label: Label = 'creator';
  #whole = { costUsd: 0, tokens: 0 };
  #by: Activity['by'] | null = null;

  constructor() {
    const choices = LABELS.map((label) => this.#choice(label));
    byId('shares', HTMLElement).append(
      el('fieldset', { class: 'segments' }, el('legend', { class: 'unseen' }, 'Usage by'), ...choices),
      this.#table.node,
      this.#empty,
    );
  }

  show({ activity }: Overview): void {
    this.#by = activity.by;
    this.#draw();
  }

  #choice(label: Label): HTMLElement {
    const input = el('input', { type: 'radio', name: 'shares-by', value: label, class: 'unseen' });
    input.checked = label === this.#label;
    input.addEventListener('change', () => {
      this.#label = label;
      this.#draw();
    });
    return el('label', {}, input, el('span', {}, `By ${label}`));
  }

  #draw(): void {
    const shares = this.#by?.[this.#label] ?? [];
    this.#whole = {
      costUsd: shares.reduce((sum, { costUsd }) => sum + costUsd, 0),
      tokens: shares.reduce((sum, { tokens }) => sum + tokens, 0),
    };
    this.#rows.show(shares);
    setHidden(this.#table.node, shares.length === 0);
    setHidden(this.#empty, shares.length > 0);
  }
}

function shareRow(whole: () => { readonly costUsd: number; readonly tokens: number }): Row<ActivityShare> {
  const name = el('span', { class: 'name' });
  const share = bar();
  const shareText = el('span', { class: 'bar-text' });
  const cost = cell(COLUMNS.cost);
  const requests = cell(COLUMNS.requests);
  const tokens = cell(COLUMNS.tokens);
  const cached = cell(COLUMNS.cached);
  return {
    node: row(
      headCell(name),
      cell(COLUMNS.share, el('span', { class: 'with-bar' }, share.node, shareText)),
      cost,
      requests,
      tokens,
      cached,
    ),
    update: (one) => {
      const all = whole();
      // Models without a price cost nothing that is known: then tokens stand in.
      const [part, of] = all.costUsd > 0 ? [one.costUsd, all.costUsd] : [one.tokens, all.tokens];
      setText(name, one.name === '' ? '(none)' : one.name);
      share.show(of > 0 ? part / of : 0);
      setText(shareText, percent(part, of));
      setText(cost, dollars(one.costUsd));
      setText(requests, count(one.requests));
      setText(tokens, count(one.tokens));
      // Completions are never cached, so of all tokens this is the least the cache can have held.
      setText(cached, percent(one.cachedTokens, one.tokens));
    },
  };
}
