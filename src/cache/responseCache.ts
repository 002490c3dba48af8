/** Answers that may be given again: exact matches only, in the memory of one instance, bounded in size and age. */
import type { Clock } from '../domain/clock.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import type { HeaderList } from '../domain/message.ts';

export interface KeptAnswer {
  readonly status: number;
  /** What came from the deployment, and says nothing of one request alone. */
  readonly headers: HeaderList;
  readonly body: Buffer;
  /** Sent again as a stream is. */
  readonly isStream: boolean;
  readonly deployment: DeploymentId;
  /** As its answer named the tier used; `null`: it named none. */
  readonly tier: string | null;
}

interface Entry {
  readonly answer: KeptAnswer;
  readonly storedAt: number;
  readonly size: number;
}

export interface Hit {
  readonly answer: KeptAnswer;
  readonly ageMs: number;
}

/** Of one answer beside its body: key, headers, the entry itself. */
const OVERHEAD = 1_024;
/** No single answer may push out all the others. */
const LARGEST_SHARE = 0.25;

export interface CacheSettings {
  readonly ttlMs: number;
  readonly maxMb: number;
}

export class ResponseCache {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #ttlMs: number;
  readonly #maxBytes: number;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #flights = new Map<string, Promise<void>>();
  #bytes = 0;

  constructor({ ttlMs, maxMb }: CacheSettings, clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.#maxBytes = maxMb * 1024 * 1024;
  }

  get isOn(): boolean {
    return this.#ttlMs > 0 && this.#maxBytes > 0;
  }

  /** The memory that is taken, as far as it is reckoned. */
  get bytes(): number {
    return this.#bytes;
  }

  get largestAnswer(): number {
    return this.#maxBytes * LARGEST_SHARE - OVERHEAD;
  }

  get(key: string): Hit | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    const ageMs = this.#clock.monotonicMs() - entry.storedAt;
    this.#remove(key, entry);
    if (ageMs >= this.#ttlMs) return null;
    this.#add(key, entry);
    return { answer: entry.answer, ageMs };
  }

  put(key: string, answer: KeptAnswer): void {
    const size = answer.body.length + OVERHEAD;
    if (size > this.#maxBytes * LARGEST_SHARE) return;
    const old = this.#entries.get(key);
    if (old !== undefined) this.#remove(key, old);
    this.#add(key, { answer, size, storedAt: this.#clock.monotonicMs() });
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#remove(oldest, entry);
    }
  }

  /** The same request is on its way already: ends when that is over, whatever came of it. */
  flight(key: string): Promise<void> | null {
    return this.#flights.get(key) ?? null;
  }

  /** Takes the request upon itself; to be called when it is over. */
  depart(key: string): () => void {
    let land: () => void = () => undefined;
    const flight = new Promise<void>((resolve) => {
      land = resolve;
    });
    this.#flights.set(key, flight);
    return () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
      land();
    };
  }

  #add(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.size;
  }

  #remove(key: string, { size }: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= size;
  }
}
