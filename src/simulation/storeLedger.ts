import type { Table } from '../store/port.ts';
import type { StoreCall } from './countingStore.ts';

/** What is added up, second by second. */
export const FIGURES = ['calls', 'entities', 'writes', 'conflicts', 'failed', 'characters'] as const;
export type Figure = (typeof FIGURES)[number];

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** All partitions of a table, or one; everywhere where neither is given. */
export interface Place {
  readonly table?: Table;
  readonly partition?: string;
}

/** One column per second. */
type Columns = Record<Figure, number[]>;

/** What the store was asked for, by partition and second; partitions are named `table/partition`. */
export class StoreLedger {
  readonly #partitions = new Map<string, Columns>();
  /** Characters of the largest row, by table. */
  readonly largest = new Map<string, number>();

  add(call: StoreCall, atMs: number): void {
    const second = Math.floor(atMs / 1_000);
    const [first = ''] = call.entities.keys();
    for (const [partition, entities] of call.entities) {
      const columns = this.#columns(`${call.table}/${partition}`);
      add(columns.entities, second, entities);
      if (partition !== first) continue;
      add(columns.calls, second, 1);
      add(columns.characters, second, call.characters);
      if (call.result === 'conflict') add(columns.conflicts, second, 1);
      if (call.result === 'failed') add(columns.failed, second, 1);
      if (call.result === 'done' && call.operation !== 'get' && call.operation !== 'list')
        add(columns.writes, second, 1);
    }
    const isRow = call.operation !== 'list' && call.operation !== 'batch';
    if (isRow && call.characters > (this.largest.get(call.table) ?? 0)) this.largest.set(call.table, call.characters);
  }

  /** Whole seconds. */
  sum(figure: Figure, span: Span, place: Place = {}): number {
    return this.series(figure, place)
      .slice(Math.floor(span.fromMs / 1_000), Math.ceil(span.toMs / 1_000))
      .reduce((sum, count) => sum + count, 0);
  }

  /** The busiest second before `toMs`. */
  peak(figure: Figure, toMs: number, place: Place = {}): number {
    return Math.max(0, ...this.series(figure, place).slice(0, Math.ceil(toMs / 1_000)));
  }

  series(figure: Figure, { table, partition }: Place = {}): number[] {
    const total: number[] = [];
    for (const [name, columns] of this.#partitions) {
      if (partition !== undefined && name !== partition) continue;
      if (table !== undefined && !name.startsWith(`${table}/`)) continue;
      for (const [second, count] of columns[figure].entries()) add(total, second, count);
    }
    return total;
  }

  partitions(): readonly string[] {
    return [...this.#partitions.keys()].sort();
  }

  #columns(name: string): Columns {
    const known = this.#partitions.get(name);
    if (known !== undefined) return known;
    const columns = { calls: [], entities: [], writes: [], conflicts: [], failed: [], characters: [] };
    this.#partitions.set(name, columns);
    return columns;
  }
}

function add(column: number[], second: number, count: number): void {
  while (column.length <= second) column.push(0);
  column[second] = (column[second] ?? 0) + count;
}
