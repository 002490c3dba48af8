import { hash } from 'node:crypto';
import type { Clock } from '../domain/clock.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import type { RowKey, Store } from '../store/port.ts';
import { SCHEMA } from './cell.ts';
import { BESIDE, GrowingPause } from './growingPause.ts';
import type { StoreUse, StoreWatch } from './storeWatch.ts';

export interface AffinityFacts {
  readonly store: Store;
  readonly clock: Clock;
  readonly watch: Pick<StoreWatch, 'isHealthy' | 'since'>;
  readonly use: StoreUse;
  readonly withinMs: number;
  /** With a single endpoint there is nothing to remember. */
  readonly isNeeded: boolean;
}

/** Stored responses whose holder is remembered here; beyond it the longest unused are asked of the store. */
const REMEMBERED = 50_000;
/** Writes under way at once, and those that may wait for them; beyond that the oldest are not shared. */
const MOST_WRITES = 8;
const MOST_WAITING = 10_000;

const WEEK_MS = 7 * 86_400_000;
/** Azure keeps responses for 30 days: they lie in this week's rows or those of the five before. */
const WEEKS = 6;

/** Which deployment holds which stored response: it alone can answer for it. */
export class Affinity {
  readonly #facts: AffinityFacts;
  readonly #holders = new Map<string, DeploymentId>();
  readonly #waiting: string[] = [];
  #writing = 0;
  #failedAt = 0;
  readonly #pause = new GrowingPause(BESIDE);

  constructor(facts: AffinityFacts) {
    this.#facts = facts;
  }

  holderOf(responseId: string): DeploymentId | null {
    const holder = this.#holders.get(responseId);
    if (holder === undefined) return null;
    this.#keep(responseId, holder);
    return holder;
  }

  async findHolder(responseId: string): Promise<DeploymentId | null> {
    const known = this.holderOf(responseId);
    const { isNeeded, watch, use, clock, store, withinMs } = this.#facts;
    if (known !== null || !isNeeded || !watch.isHealthy) return known;
    const week = weekOf(clock.now());
    const keys = Array.from({ length: WEEKS }, (_, ago) => keyFor(responseId, week - ago));
    const asked = use.asking();
    try {
      const rows = await Promise.all(keys.map((key) => store.get(key, withinMs)));
      const holder = rows.find((row) => row !== null)?.values['deployment'];
      if (typeof holder !== 'string') return null;
      this.#keep(responseId, holder as DeploymentId);
      return holder as DeploymentId;
    } catch (error) {
      use.failed(error, asked);
      return null;
    }
  }

  remember(responseId: string, holder: DeploymentId): void {
    const isNew = this.#holders.get(responseId) !== holder;
    this.#keep(responseId, holder);
    if (!isNew || !this.#facts.isNeeded) return;
    this.#waiting.push(responseId);
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    void this.#write();
  }

  /** Ends when everything that can be told has been told. */
  async flush(): Promise<void> {
    const writers = Math.min(MOST_WRITES, this.#waiting.length);
    await Promise.all(Array.from({ length: writers }, () => this.#write()));
  }

  async #write(): Promise<void> {
    if (this.#writing >= MOST_WRITES) return;
    this.#writing++;
    while (this.#waiting.length > 0 && this.#mayAsk) await this.#writeNext();
    this.#writing--;
  }

  get #mayAsk(): boolean {
    const { watch, clock } = this.#facts;
    const isBackSince = (watch.since ?? 0) > this.#failedAt;
    return watch.isHealthy && (isBackSince || this.#pause.isOver(clock.now()));
  }

  async #writeNext(): Promise<void> {
    const { store, clock, use, withinMs } = this.#facts;
    const responseId = this.#waiting.shift();
    const holder = responseId === undefined ? undefined : this.#holders.get(responseId);
    if (responseId === undefined || holder === undefined) return;
    const asked = use.asking();
    try {
      await store.put(keyFor(responseId, weekOf(clock.now())), { schema: SCHEMA, deployment: holder }, withinMs);
    } catch (error) {
      this.#waiting.unshift(responseId);
      this.#failedAt = clock.now();
      this.#pause.failed(this.#failedAt);
      use.failed(error, asked);
      return;
    }
    this.#pause.succeeded();
  }

  #keep(responseId: string, holder: DeploymentId): void {
    this.#holders.delete(responseId);
    this.#holders.set(responseId, holder);
    if (this.#holders.size <= REMEMBERED) return;
    for (const oldest of this.#holders.keys()) {
      this.#holders.delete(oldest);
      return;
    }
  }
}

function weekOf(now: number): number {
  return Math.floor(now / WEEK_MS);
}

/** Partitions by week, so that what has expired is a range, and by hash, so that no partition bears all writes. */
function keyFor(responseId: string, week: number): RowKey {
  const digest = hash('sha256', responseId, 'hex');
  return { table: 'affinity', partition: `${week}-${digest.slice(0, 2)}`, row: digest };
}

/** Partitions below this hold nothing that is still needed. */
export function oldestAffinity(now: number): string {
  return `${weekOf(now) - WEEKS + 1}-`;
}
