import type { Overview } from '../../domain/overview.ts';

/** What time it is for the router: this machine's own clock may be wrong by minutes, and countdowns would be too. */
export class RouterTime {
  #aheadMs = 0;

  learn({ at }: Pick<Overview, 'at'>): void {
    const told = Date.parse(at);
    if (Number.isFinite(told)) this.#aheadMs = told - Date.now();
  }

  now(): number {
    return Date.now() + this.#aheadMs;
  }
}
