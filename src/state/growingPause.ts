export interface PauseLengths {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** What could not be had is asked for again after a while, and then after ever longer ones. */
export class GrowingPause {
  readonly #lengths: PauseLengths;
  #failures = 0;
  #endsAt = 0;

  constructor(lengths: PauseLengths) {
    this.#lengths = lengths;
  }

  isOver(now: number): boolean {
    return now >= this.#endsAt;
  }

  /** `share`: of the pause, for those who are not to come back all together. */
  failed(now: number, share = 1): void {
    const { firstMs, longestMs } = this.#lengths;
    this.#endsAt = now + share * Math.min(firstMs * 2 ** this.#failures++, longestMs);
  }

  succeeded(): void {
    this.#failures = 0;
  }
}

/** For rows in tables beside the sheets. */
export const BESIDE: PauseLengths = { firstMs: 1_000, longestMs: 60_000 };
