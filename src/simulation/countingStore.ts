import type { Store, Table, Values } from '../store/port.ts';
import { type Asked, type Came, type Operation, StoreLayer } from './storeLayer.ts';

/** One call of the store, as it went. */
export interface StoreCall {
  readonly operation: Operation;
  readonly table: Table;
  /** Rows that it touched or brought back, by partition; one at least. */
  readonly entities: ReadonlyMap<string, number>;
  /** Characters of values that were sent or brought back. */
  readonly characters: number;
  readonly result: 'done' | 'conflict' | 'failed';
  /** Rows that were written. */
  readonly written: Asked['puts'];
}

/** A store that tells of each call what it came to. Calls count in full, whether or not they succeed. */
export class CountingStore extends StoreLayer {
  readonly #onCall: (call: StoreCall) => void;

  constructor(store: Store, onCall: (call: StoreCall) => void) {
    super(store);
    this.#onCall = onCall;
  }

  protected override async around<T>(asked: Asked, perform: () => Promise<T>, came: (answer: T) => Came): Promise<T> {
    try {
      const answer = await perform();
      this.#onCall(callOf(asked, came(answer)));
      return answer;
    } catch (error) {
      this.#onCall(callOf(asked, null));
      throw error;
    }
  }
}

/** `null`: it failed. */
function callOf({ operation, table, partition, entities, puts }: Asked, came: Came | null): StoreCall {
  const rows = came?.rows ?? [];
  const touched = new Map<string, number>(rows.length === 0 ? [[partition, entities]] : []);
  for (const row of rows) touched.set(row.partition, (touched.get(row.partition) ?? 0) + 1);
  let characters = 0;
  for (const { values } of [...rows, ...puts]) characters += charactersIn(values);
  const isDone = came !== null && !came.isConflict;
  const result = came === null ? 'failed' : came.isConflict ? 'conflict' : 'done';
  return { operation, table, entities: touched, characters, result, written: isDone ? puts : [] };
}

function charactersIn(values: Values): number {
  let characters = 0;
  for (const value of Object.values(values)) characters += typeof value === 'string' ? value.length : 8;
  return characters;
}
