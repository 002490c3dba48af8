import type { Clock, Draw } from '../domain/clock.ts';
import { type Row, type RowKey, type Store, StoreError, type Values, type Written } from '../store/port.ts';

/** The form of what this version writes. Rows of a newer form are somebody's who knows better: they are never written over. */
export const SCHEMA = 1;

export interface CellFacts<T> {
  readonly store: Store;
  readonly key: RowKey;
  readonly instance: string;
  readonly clock: Clock;
  readonly draw: Draw;
  /** Longest wait for one call of the store. */
  readonly withinMs: number;
  readonly empty: T;
  readonly encode: (content: T) => string;
  /** `null`: it cannot be read. */
  readonly decode: (text: string) => T | null;
  /** What is known once a row that was made anew meets what was known before; `theirs` is right where both know of the same. */
  readonly reunite: (mine: T, theirs: T) => T;
}

export interface Changed<T> {
  readonly before: T;
  readonly after: T;
}

/** Others were first, every time: the store answers, and they got on. Whoever can wait tries again later. */
export class Contended extends StoreError {}

const MOST_TRIES = 8;
const PAUSE_MS = 5;

/** One row that many instances change, each change conditional on the row being what it was made from. */
export class Cell<T> {
  readonly #facts: CellFacts<T>;
  #content: T;
  #etag: string | null = null;
  /** The row was there and is no more: the store was emptied, and everybody's knowledge would be lost with it. */
  #lost = false;
  /** Who made the row, and when: another one is another row, though of the same key. */
  #born: string | null = null;
  #isForeign = false;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(facts: CellFacts<T>) {
    this.#facts = facts;
    this.#content = facts.empty;
  }

  /** As last read or written here. */
  get content(): T {
    return this.#content;
  }

  /** Whether the next change writes even if it changes nothing. */
  get isLost(): boolean {
    return this.#lost;
  }

  /** A newer version keeps the row: until this instance is of that version too, it keeps its content to itself. */
  get isForeign(): boolean {
    return this.#isForeign;
  }

  /** True where the row is another one than before. */
  read(): Promise<boolean> {
    return this.#inTurn(() => this.#read());
  }

  /**
   * Changes the row; the change is made again from what others wrote where they were first, so it must be one that bears
   * repeating. `null`: there was nothing to change. `Contended`: somebody else was first each time.
   */
  change(change: (content: T) => T, mostTries = MOST_TRIES): Promise<Changed<T> | null> {
    return this.#inTurn(() => this.#change(change, mostTries));
  }

  async #change(change: (content: T) => T, mostTries: number): Promise<Changed<T> | null> {
    const { instance, clock, encode } = this.#facts;
    for (let tries = 0; tries < mostTries; tries++) {
      const before = this.#content;
      const after = change(before);
      if (this.#isForeign) this.#content = after;
      if (this.#isForeign || (after === before && !this.#lost)) return null;
      const at = new Date(clock.now()).toISOString();
      const born = this.#etag === null || this.#born === null ? `${instance} ${at}` : this.#born;
      const written = await this.#write({ schema: SCHEMA, content: encode(after), at, by: instance, born });
      if (written.kind === 'written') {
        this.#born = born;
        this.#etag = written.etag;
        this.#content = after;
        this.#lost = false;
        return { before, after };
      }
      if (tries > 0) await this.#pause(tries);
      await this.#read();
    }
    throw new Contended('throttled', `${this.#facts.key.table}: others were first ${mostTries} times in a row`);
  }

  #write(values: Values): Promise<Written> {
    const { store, key, withinMs } = this.#facts;
    return this.#etag === null ? store.insert(key, values, withinMs) : store.replace(key, values, this.#etag, withinMs);
  }

  async #read(): Promise<boolean> {
    const { store, key, withinMs } = this.#facts;
    const row = await store.get(key, withinMs);
    if (row === null) {
      this.#lost ||= this.#etag !== null;
      this.#etag = null;
      return false;
    }
    if (row.etag === this.#etag) return false;
    this.#lost = false;
    this.#etag = row.etag;
    const { schema } = row.values;
    this.#isForeign = typeof schema === 'number' && schema > SCHEMA;
    if (this.#isForeign) return false;
    const theirs = this.#decoded(row);
    if (theirs === null) return this.#spoilt();
    this.#adopt(theirs, String(row.values['born']));
    return true;
  }

  /**
   * What cannot be read was not written by any version. What is known here is still true, and is written back; who knows nothing
   * leaves that to the others, and makes another row of it when it has something to write itself.
   */
  #spoilt(): boolean {
    this.#lost = this.#born !== null;
    return false;
  }

  /** A row made anew by somebody who knew nothing: what was known before is still true, and is written back. */
  #adopt(theirs: T, born: string): void {
    const { encode, reunite } = this.#facts;
    const isAnother = this.#born !== null && born !== this.#born;
    this.#content = isAnother ? reunite(this.#content, theirs) : theirs;
    this.#lost = isAnother && encode(this.#content) !== encode(theirs);
    this.#born = born;
  }

  /** `null`: it cannot be read. */
  #decoded({ values: { content } }: Row): T | null {
    return typeof content === 'string' ? this.#facts.decode(content) : null;
  }

  #pause(tries: number): Promise<void> {
    const { clock, draw } = this.#facts;
    return new Promise((resolve) => void clock.after(draw() * PAUSE_MS * 2 ** tries, resolve));
  }

  #inTurn<R>(task: () => Promise<R>): Promise<R> {
    const result = this.#queue.then(task);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}
