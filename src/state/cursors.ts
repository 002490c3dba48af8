import type { Clock, Draw } from '../domain/clock.ts';
import type { Pool } from '../domain/config.ts';
import type { Store } from '../store/port.ts';
import { Cell, Contended } from './cell.ts';
import { GrowingPause } from './growingPause.ts';
import type { StoreUse, StoreWatch } from './storeWatch.ts';

export interface CursorFacts {
  readonly store: Store;
  readonly instance: string;
  readonly clock: Clock;
  readonly draw: Draw;
  readonly watch: Pick<StoreWatch, 'isHealthy'>;
  readonly use: StoreUse;
  readonly withinMs: number;
}

/** A block that lasts less than this is followed by one of twice its size: a busy instance leases seldom. */
const SHORT_MS = 10_000;
const LONG_MS = 60_000;
const LARGEST_BLOCK = 8_192;
const LEISURELY_TRIES = 4;
const PAUSE = { firstMs: 500, longestMs: 8_000 };

/** The turns of round robin, numbered through over all instances: each leases a block of them from the pool's cursor. */
export class Cursors {
  readonly #facts: CursorFacts;
  readonly #cursors = new Map<string, Cursor>();

  constructor(facts: CursorFacts) {
    this.#facts = facts;
  }

  turn(pool: Pool): number | Promise<number> {
    return this.#of(pool).turn();
  }

  peek(pool: string): number {
    return this.#cursors.get(pool)?.peek() ?? 0;
  }

  /** Leases the first block before the first request asks for a turn. */
  prepare(pools: Iterable<Pool>): void {
    for (const pool of pools) if (pool.strategy === 'roundRobin') this.#of(pool).prepare();
  }

  #of(pool: Pool): Cursor {
    const known = this.#cursors.get(pool.name);
    if (known !== undefined) return known;
    const cursor = pool.block === 1 ? new StrictCursor(pool, this.#facts) : new BlockCursor(pool, this.#facts);
    this.#cursors.set(pool.name, cursor);
    return cursor;
  }
}

interface Cursor {
  turn(): number | Promise<number>;
  peek(): number;
  prepare(): void;
}

interface Block {
  readonly start: number;
  readonly end: number;
}

/** So long others may be first before an instance goes on in an order of its own, and so long it then does. */
const PATIENCE_MS = 5_000;
/** After a call that failed it does so for as long: by then the exchange with the fleet has found out more. */
const ALONE_MS = 1_000;

/** The cursor's row: the first turn that nobody has leased. */
class Lease {
  readonly #cell: Cell<number>;
  readonly #use: StoreUse;
  readonly #clock: Clock;

  constructor({ name }: Pool, { store, instance, clock, draw, use, withinMs }: CursorFacts) {
    this.#use = use;
    this.#clock = clock;
    this.#cell = new Cell({
      store,
      key: { table: 'cursors', partition: name, row: 'next' },
      instance,
      clock,
      draw,
      withinMs,
      empty: 0,
      encode: String,
      decode: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : null),
      reunite: Math.max,
    });
  }

  /** Somebody waits for it. `null`: the store does not answer; `contended`: others were first all the time. */
  async take(size: number): Promise<Block | null | 'contended'> {
    const giveUpAt = this.#clock.monotonicMs() + PATIENCE_MS;
    let block: Block | null | 'contended';
    do block = await this.#take(size);
    while (block === 'contended' && this.#clock.monotonicMs() < giveUpAt);
    return block;
  }

  /** Nobody waits for it: where others are first a few times, it can be had later. */
  async takeAtLeisure(size: number): Promise<Block | null> {
    const block = await this.#take(size, LEISURELY_TRIES);
    return block === 'contended' ? null : block;
  }

  async #take(size: number, mostTries?: number): Promise<Block | null | 'contended'> {
    const asked = this.#use.asking();
    try {
      const changed = await this.#cell.change((next) => next + size, mostTries);
      this.#use.answered(asked);
      return changed && { start: changed.before, end: changed.after };
    } catch (error) {
      this.#use.failed(error, asked);
      return error instanceof Contended ? 'contended' : null;
    }
  }
}

/** Blocks of turns, the next one fetched ahead: nobody waits for the store. */
class BlockCursor implements Cursor {
  readonly #pool: Pool;
  readonly #clock: Clock;
  readonly #draw: Draw;
  readonly #lease: Lease;
  #next = 0;
  #end = 0;
  #ahead: Block | null = null;
  /** Turns given without a lease; the next block pays for them. */
  #owed = 0;
  #size: number;
  #leasedAt: number | null = null;
  #isLeasing = false;
  /** After leases that could not be had. */
  readonly #pause = new GrowingPause(PAUSE);

  constructor(pool: Pool, facts: CursorFacts) {
    this.#pool = pool;
    this.#clock = facts.clock;
    this.#draw = facts.draw;
    this.#lease = new Lease(pool, facts);
    this.#size = pool.block;
  }

  turn(): number {
    if (this.#next >= this.#end && this.#ahead !== null) this.#begin(this.#ahead);
    if (this.#ahead === null && this.#end - this.#next <= this.#size / 2) void this.#fetch();
    if (this.#next < this.#end) return this.#next++;
    return this.#end + this.#owed++;
  }

  peek(): number {
    if (this.#next < this.#end) return this.#next;
    return this.#ahead?.start ?? this.#end + this.#owed;
  }

  prepare(): void {
    void this.#fetch();
  }

  #begin({ start, end }: Block): void {
    const paid = Math.min(this.#owed, end - start);
    this.#next = start + paid;
    this.#end = end;
    this.#owed = 0;
    this.#ahead = null;
  }

  async #fetch(): Promise<void> {
    const now = this.#clock.now();
    if (this.#isLeasing || this.#ahead !== null || !this.#pause.isOver(now)) return;
    this.#isLeasing = true;
    this.#size = this.#nextSize(now);
    const block = await this.#lease.takeAtLeisure(this.#size);
    this.#isLeasing = false;
    if (block === null) {
      this.#pause.failed(this.#clock.now(), this.#draw());
      return;
    }
    this.#pause.succeeded();
    this.#leasedAt = now;
    if (this.#next >= this.#end) this.#begin(block);
    else this.#ahead = block;
  }

  #nextSize(now: number): number {
    if (this.#leasedAt === null) return this.#pool.block;
    const lasted = now - this.#leasedAt;
    if (lasted < SHORT_MS) return Math.min(this.#size * 2, Math.max(LARGEST_BLOCK, this.#pool.block));
    return lasted > LONG_MS ? Math.max(this.#pool.block, Math.floor(this.#size / 2)) : this.#size;
  }
}

/** Strict order over all instances: every turn is leased, those that wait at the same moment together. */
class StrictCursor implements Cursor {
  readonly #lease: Lease;
  readonly #watch: Pick<StoreWatch, 'isHealthy'>;
  readonly #clock: Clock;
  readonly #waiting: ((turn: number) => void)[] = [];
  #isLeasing = false;
  #next = 0;
  /** Turns given without the store, such as before it was open: the next lease pays for them, and goes on behind them. */
  #owed = 0;
  #aloneUntil = 0;

  constructor(pool: Pool, facts: CursorFacts) {
    this.#lease = new Lease(pool, facts);
    this.#watch = facts.watch;
    this.#clock = facts.clock;
  }

  turn(): number | Promise<number> {
    if (this.#isAlone) {
      this.#owed++;
      return this.#next++;
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      void this.#serve();
    });
  }

  peek(): number {
    return this.#next;
  }

  prepare(): void {
    // There is nothing to have ready: a turn leased ahead would be out of order.
  }

  get #isAlone(): boolean {
    return !this.#watch.isHealthy || this.#clock.now() < this.#aloneUntil;
  }

  async #serve(): Promise<void> {
    if (this.#isLeasing) return;
    this.#isLeasing = true;
    while (this.#waiting.length > 0) {
      const count = this.#waiting.length;
      // Those that came while it was found out that the store is gone do not find that out once more.
      const owed = this.#owed;
      const taken = this.#isAlone ? 'alone' : await this.#lease.take(owed + count);
      if (taken === 'contended') this.#aloneUntil = this.#clock.now() + PATIENCE_MS;
      else if (taken === null) this.#aloneUntil = this.#clock.now() + ALONE_MS;
      const block = typeof taken === 'string' ? null : taken;
      // Without the store everybody goes on in an order of their own.
      const start = block === null ? this.#next : block.start + owed;
      this.#owed += block === null ? count : -owed;
      for (const [position, resolve] of this.#waiting.splice(0, count).entries()) resolve(start + position);
      this.#next = start + count;
    }
    this.#isLeasing = false;
  }
}
