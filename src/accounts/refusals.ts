import type { Clock } from '../domain/clock.ts';
import type { Journal } from '../telemetry/port.ts';

const TELL_EVERY_MS = 10_000;

/** Counts those who were not let in, and tells of them in sums: they come in floods, and the log is not to drown. */
export class Refusals {
  readonly #clock: Clock;
  readonly #journal: Pick<Journal, 'credentialsRefused'>;
  #count = 0;
  #throttled = 0;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, journal: Pick<Journal, 'credentialsRefused'>) {
    this.#clock = clock;
    this.#journal = journal;
  }

  add({ throttled }: { readonly throttled: boolean }): void {
    this.#count++;
    if (throttled) this.#throttled++;
    this.#cancel ??= this.#clock.after(TELL_EVERY_MS, () => this.close());
  }

  /** Tells what it has not told yet. */
  close(): void {
    this.#cancel?.();
    this.#cancel = null;
    if (this.#count > 0) this.#journal.credentialsRefused({ count: this.#count, throttled: this.#throttled });
    this.#count = 0;
    this.#throttled = 0;
  }
}
