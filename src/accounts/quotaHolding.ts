import type { QuotaName } from './port.ts';
import type { Part } from './quotaSheet.ts';
import { windowAt, windowKey } from './quotaWindows.ts';

/** What this instance holds of a quota in one window. Once the window is over it is dropped, with all that happens to it later. */
export class Holding implements Part {
  readonly quota: QuotaName;
  readonly key: string;
  readonly endsAt: number;
  granted = 0;
  spent = 0;
  reserved = 0;
  /** Promised to requests that wait for the write under way. */
  pledged = 0;
  /** Of `granted`, when that was written, for requests yet to come. */
  spare = 0;
  /** Whether the row may know of it. */
  isClaimed = false;
  hasWarned = false;

  constructor(quota: QuotaName, instant: number) {
    const window = windowAt(quota, instant);
    this.quota = quota;
    this.key = windowKey(quota, window);
    this.endsAt = window.endsAt;
  }

  /** Below zero: more was used than there was room for. */
  get free(): number {
    return this.granted - this.spent - this.reserved - this.pledged;
  }
}

/** How much is asked for in about a refresh period. */
export class Demand {
  #current = 0;
  #before = 0;
  #largest = 1;
  #largestNow = 0;

  took(amount: number): void {
    this.#current += amount;
    this.saw(amount);
  }

  /** Somebody would take so much. */
  saw(amount: number): void {
    this.#largestNow = Math.max(this.#largestNow, amount);
  }

  /** A period is over. */
  tick(): void {
    this.#before = Math.max(this.#current, Math.floor(this.#before / 2));
    if (this.#largestNow > 0) this.#largest = this.#largestNow;
    this.#current = 0;
    this.#largestNow = 0;
  }

  /** The largest request of late: a lease that would not do for one of these only lies about. */
  get typical(): number {
    return Math.max(this.#largestNow, this.#largest);
  }

  get expected(): number {
    return Math.max(this.#current, this.#before, 2 * this.typical);
  }
}
