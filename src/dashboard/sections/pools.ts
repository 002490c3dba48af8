/// <reference lib="dom" />
import type { Overview, OverviewPool } from '../../domain/overview.ts';
import type { Section } from '../desk.ts';
import { byId, el, icon, KeyedRows, type Row, setAttribute, setHidden, setShape, setText } from '../dom.ts';
import type { Tone } from '../words/states.ts';

/** Who serves each pool now, and whether that is whom it is meant to be. */
export class PoolsSection implements Section {
  readonly #list = el('ul', { class: 'pools', role: 'list' });
  readonly #empty = el('p', { class: 'empty' }, 'No pool is configured.');
  readonly #rows = new KeyedRows<OverviewPool>(
    this.#list,
    ({ name }) => name,
    () => poolRow(),
  );

  constructor() {
    byId('pools', HTMLElement).append(this.#list, this.#empty);
  }

  show({ pools }: Overview): void {
    this.#rows.show(pools);
    setHidden(this.#list, pools.length === 0);
    setHidden(this.#empty, pools.length > 0);
  }
}

function poolRow(): Row<OverviewPool> {
  const name = el('strong');
  const strategy = el('span', { class: 'quiet' });
  const mark = icon('good');
  const current = el('span');
  const about = el('span', { class: 'under' });
  const head = el(
    'p',
    { class: 'pool-head' },
    el('span', {}, name, ' ', strategy),
    el('span', { class: 'pool-now' }, mark, current),
  );
  const node = el('li', {}, head, about);
  return {
    node,
    update: (pool) => {
      const tone = toneOf(pool);
      setText(name, pool.name);
      setText(strategy, pool.strategy);
      setShape(mark, tone);
      setAttribute(node, 'data-tone', tone);
      setText(current, pool.current_endpoint ?? 'nobody');
      setText(about, aboutText(pool));
    },
  };
}

function toneOf({ current_endpoint, failed_endpoints }: OverviewPool): Tone {
  if (current_endpoint === null) return 'bad';
  return failed_endpoints.length > 0 ? 'wait' : 'good';
}

function aboutText({ total_endpoints, failed_endpoints, current_type, strategy }: OverviewPool): string {
  const serving = total_endpoints - failed_endpoints.length;
  const place = strategy === 'priority' && current_type === 'backup' ? ', on a backup' : '';
  return `${serving} of ${total_endpoints} can serve${place}`;
}
