/**
 * Figures of the last so many periods, in memory that never grows: a ring with one slot to a period, each of which knows whose
 * period it holds and is emptied when a later one needs it. Nothing has to run when time passes.
 */
export class Slots<Slot> {
  readonly #periods: number;
  readonly #make: () => Slot;
  readonly #clear: (slot: Slot) => void;
  readonly #slots: ({ period: number; readonly figures: Slot } | undefined)[] = [];

  constructor(periods: number, make: () => Slot, clear: (slot: Slot) => void) {
    this.#periods = periods;
    this.#make = make;
    this.#clear = clear;
  }

  /** The period's figures, to be added to; `null`: a later one has taken its place. */
  at(period: number): Slot | null {
    const place = period % this.#periods;
    const slot = this.#slots[place];
    if (slot === undefined) {
      const figures = this.#make();
      this.#slots[place] = { period, figures };
      return figures;
    }
    if (slot.period === period) return slot.figures;
    if (slot.period > period) return null;
    slot.period = period;
    this.#clear(slot.figures);
    return slot.figures;
  }

  /** The figures as they stand; `null`: nothing was counted then, or it is too long ago. */
  peek(period: number): Slot | null {
    const slot = this.#slots[period % this.#periods];
    return slot === undefined || slot.period !== period ? null : slot.figures;
  }

  /** What the periods up to this one, and as many as are kept, have. */
  *upTo(last: number): Iterable<Slot> {
    for (const slot of this.#slots) {
      if (slot !== undefined && slot.period <= last && slot.period > last - this.#periods) yield slot.figures;
    }
  }
}
