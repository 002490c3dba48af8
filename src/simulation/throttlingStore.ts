import { type Store, StoreError } from '../store/port.ts';
import { type Asked, StoreLayer } from './storeLayer.ts';

/** A partition that has been idle serves so many seconds' entities at once before it refuses any. */
const BURST_SECONDS = 1;

interface Bucket {
  readonly left: number;
  readonly atMs: number;
}

export interface ThrottlingStoreFacts {
  readonly nowMs: () => number;
  /** Entities that a partition serves in a second. */
  readonly entitiesPerSecond: number;
}

/** A store that refuses what goes beyond a partition's target, as the service does. */
export class ThrottlingStore extends StoreLayer {
  readonly #facts: ThrottlingStoreFacts;
  readonly #buckets = new Map<string, Bucket>();

  constructor(store: Store, facts: ThrottlingStoreFacts) {
    super(store);
    this.#facts = facts;
  }

  protected override async around<T>(asked: Asked, perform: () => Promise<T>): Promise<T> {
    if (!this.#admits(asked)) throw new StoreError('throttled', 'the partition is asked for more than its target');
    return await perform();
  }

  #admits({ table, partition, entities }: Asked): boolean {
    const { nowMs, entitiesPerSecond } = this.#facts;
    const key = `${table}/${partition}`;
    const atMs = nowMs();
    const most = entitiesPerSecond * BURST_SECONDS;
    const before = this.#buckets.get(key) ?? { left: most, atMs };
    const left = Math.min(most, before.left + ((atMs - before.atMs) / 1_000) * entitiesPerSecond);
    const isAdmitted = left >= entities;
    this.#buckets.set(key, { left: isAdmitted ? left - entities : left, atMs });
    return isAdmitted;
  }
}
