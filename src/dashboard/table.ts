/// <reference lib="dom" />
/**
 * Tables that become cards on narrow screens. Browsers forget that a table is one once its `display` changes, so every part says
 * what it is; each cell carries its column's name for the cards.
 */
import { type Child, el } from './dom.ts';

export interface Column {
  readonly name: string;
  /** Figures are set to the right. */
  readonly isFigure?: boolean;
}

export interface Table {
  readonly node: HTMLElement;
  readonly table: HTMLTableElement;
  readonly body: HTMLTableSectionElement;
}

/** Its name is read out and not shown: a heading stands above it. */
export function table(name: string, columns: readonly Column[]): Table {
  const heads = columns.map(({ name: column, isFigure = false }) =>
    el('th', { scope: 'col', role: 'columnheader', class: isFigure ? 'figure' : null }, column),
  );
  const body = el('tbody', { role: 'rowgroup' });
  const made = el(
    'table',
    { role: 'table', 'aria-label': name },
    el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, ...heads)),
    body,
  );
  return { node: el('div', { class: 'table' }, made), table: made, body };
}

export function headCell(...children: readonly Child[]): HTMLTableCellElement {
  return el('th', { scope: 'row', role: 'rowheader' }, ...children);
}

export function cell({ name, isFigure = false }: Column, ...children: readonly Child[]): HTMLTableCellElement {
  return el('td', { role: 'cell', 'data-label': name, class: isFigure ? 'figure' : null }, ...children);
}

export function row(...cells: readonly HTMLTableCellElement[]): HTMLTableRowElement {
  return el('tr', { role: 'row' }, ...cells);
}
