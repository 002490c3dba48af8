/** Tables for people: aligned, and no wider than the terminal. */
import { clean } from './failure.ts';
import type { Colour, Paint } from './paint.ts';

export interface Cell {
  readonly text: string;
  readonly colour?: Colour;
}

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Goes where the terminal is too narrow for all. */
  readonly spare?: boolean;
}

export interface TableLook {
  readonly paint: Paint;
  /** `null`: as wide as it comes. */
  readonly width: number | null;
}

const GAP = '  ';
/** Below this a column says nothing any more. */
const NARROWEST = 8;

export function table(all: readonly Column[], rows: readonly (readonly (Cell | string)[])[], look: TableLook): string {
  const everything = rows.map((row) => all.map((_, at) => cellOf(row[at] ?? '')));
  const wanted = all.map(({ title }, at) =>
    Math.max(widthOf(title), ...everything.map((row) => widthOf(row[at]?.text ?? ''))),
  );
  const kept = keptColumns(all, wanted, look.width);
  const columns = all.filter((_, at) => kept.has(at));
  const cells = everything.map((row) => row.filter((_, at) => kept.has(at)));
  const widths = fitted(
    wanted.filter((_, at) => kept.has(at)),
    look.width,
  );
  const line = (row: readonly Cell[]): string =>
    row
      .map((cell, at) => {
        const last = at === columns.length - 1 && columns[at]?.align !== 'right';
        const text = aligned(cell.text, widths[at] ?? 0, last ? 'none' : (columns[at]?.align ?? 'left'));
        return cell.colour === undefined ? text : look.paint(cell.colour, text);
      })
      .join(GAP)
      .trimEnd();
  const head = line(columns.map(({ title }) => ({ text: title, colour: 'bold' })));
  return [head, ...cells.map(line)].map((text) => `${text}\n`).join('');
}

function cellOf(cell: Cell | string): Cell {
  return typeof cell === 'string' ? { text: clean(cell) } : { ...cell, text: clean(cell.text) };
}

/** Spare columns go from the right, as many as it takes. */
function keptColumns(columns: readonly Column[], wanted: readonly number[], width: number | null): ReadonlySet<number> {
  const kept = new Set(columns.keys());
  const total = (): number => [...kept].reduce((sum, at) => sum + (wanted[at] ?? 0) + GAP.length, -GAP.length);
  for (let at = columns.length - 1; at >= 0 && width !== null && total() > width; at -= 1)
    if (columns[at]?.spare === true) kept.delete(at);
  return kept;
}

/** Takes from the widest column first, until the line fits or nothing can be taken. */
function fitted(wanted: readonly number[], width: number | null): number[] {
  const widths = [...wanted];
  if (width === null) return widths;
  const room = width - GAP.length * (widths.length - 1);
  for (let over = widths.reduce((sum, one) => sum + one, 0) - room; over > 0; over -= 1) {
    const widest = widths.indexOf(Math.max(...widths));
    const current = widths[widest] ?? 0;
    if (current <= NARROWEST) break;
    widths[widest] = current - 1;
  }
  return widths;
}

function aligned(text: string, width: number, align: 'left' | 'right' | 'none'): string {
  const cut = shortened(text, width);
  const padding = align === 'none' ? '' : ' '.repeat(Math.max(0, width - widthOf(cut)));
  return align === 'right' ? padding + cut : cut + padding;
}

export function shortened(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let cut = '';
  for (const character of text) {
    if (widthOf(cut) + widthOf(character) > width - 1) break;
    cut += character;
  }
  return `${cut}…`;
}

/** Chinese, Japanese, Korean and emoji take two places. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}]|[\u{20000}-\u{3fffd}]/u;

export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += /\p{Mark}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}
