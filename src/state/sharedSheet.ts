import type { Clock, Draw } from '../domain/clock.ts';
import type { FleetEvent } from '../domain/event.ts';
import type { Cell, Changed } from './cell.ts';
import type { Known } from './known.ts';

export interface SharedSheetFacts<Sheet> {
  readonly cell: Cell<Sheet>;
  readonly known: Known<Sheet>;
  readonly instance: string;
  readonly clock: Clock;
  readonly draw: Draw;
  /** About how many instances share the sheet. */
  readonly instances: () => number;
  readonly tell: (events: readonly FleetEvent[]) => void;
}

/** As many instances may want to write at once; of more, by lot, no more than that. The others read what those wrote. */
const WRITERS = 50;
const TRIES_IN_A_CROWD = 2;
/** What could not be told stays news; meanwhile reading is not to wait behind it. */
const TRIES = 4;

/** A sheet of the fleet's and what this instance knows of the same things, kept in step. */
export class SharedSheet<Sheet> {
  readonly #facts: SharedSheetFacts<Sheet>;

  constructor(facts: SharedSheetFacts<Sheet>) {
    this.#facts = facts;
  }

  get content(): Sheet {
    return this.#facts.cell.content;
  }

  get isForeign(): boolean {
    return this.#facts.cell.isForeign;
  }

  /** Reads the sheet, and tells it what it does not know yet. */
  async exchange(): Promise<void> {
    const { cell, known, clock } = this.#facts;
    const changed = await cell.read();
    const now = clock.now();
    if (changed || known.isAstray) known.absorb(cell.content, now);
    const isNews = known.fold(cell.content, now) !== cell.content;
    if (cell.isLost || (isNews && (known.isUrgent || this.drawsLot()))) await this.publish();
  }

  get isLarge(): boolean {
    return this.#facts.instances() > WRITERS;
  }

  /** Whether this instance is among those that write at once. */
  drawsLot(): boolean {
    const { draw, instances } = this.#facts;
    return draw() * instances() < WRITERS;
  }

  /** Whoever is not first leaves it to the next exchange soon: what others wrote may have said it all. */
  publish(): Promise<void> {
    const { known, clock } = this.#facts;
    return this.change((sheet) => known.fold(sheet, clock.now()), this.isLarge ? TRIES_IN_A_CROWD : TRIES);
  }

  /** A change that has to be made, and not only if it seems one by what was read last. */
  async order(change: (sheet: Sheet) => Sheet): Promise<void> {
    await this.#facts.cell.read();
    await this.change(change);
  }

  async change(change: (sheet: Sheet) => Sheet, mostTries?: number): Promise<void> {
    const { cell, known, clock, instance, tell } = this.#facts;
    let changed: Changed<Sheet> | null = null;
    try {
      changed = await cell.change(change, mostTries);
    } finally {
      // Whoever was never first has read what others wrote: the next read would not tell it once more.
      known.absorb(cell.content, clock.now());
    }
    if (changed !== null) tell(known.events(changed.before, changed.after, { at: clock.now(), instance }));
  }
}
