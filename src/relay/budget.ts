/** Repeats that may be made before any request has paid in, so that a quiet instance is not without. */
const RESERVE = 10;

/** Keeps repeats from multiplying the load on deployments that are in trouble already: a share of the recent requests. */
export class RetryBudget {
  readonly #share: number;
  readonly #ceiling: number;
  #left: number;

  constructor(percent: number) {
    this.#share = percent / 100;
    this.#ceiling = percent === 0 ? 0 : RESERVE + percent;
    this.#left = percent === 0 ? 0 : RESERVE;
  }

  /** Every request pays its share in. */
  deposit(): void {
    this.#left = Math.min(this.#ceiling, this.#left + this.#share);
  }

  /** Takes one repeat out; false where none is left. */
  withdraw(): boolean {
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
