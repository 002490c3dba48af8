import type { Clock } from '../domain/clock.ts';
import type { FleetEvent } from '../domain/event.ts';
import { type Change, LARGEST_BATCH, type Row, type Store } from '../store/port.ts';
import { SCHEMA } from './cell.ts';
import { BESIDE, GrowingPause } from './growingPause.ts';
import type { Failover } from './port.ts';
import type { StoreUse } from './storeWatch.ts';

export interface ChronicleFacts {
  readonly store: Store;
  readonly instance: string;
  readonly clock: Clock;
  readonly watch: StoreUse;
  readonly withinMs: number;
}

/** Events that wait to be written; beyond it the oldest are lost, as they are for people and not for decisions. */
const MOST_WAITING = 1_000;
const DAY_MS = 86_400_000;
const KEPT_DAYS = 30;
/** Beyond every instant that a row may bear: the later an event, the smaller its key. */
const END_OF_TIME = 9_999_999_999_999;
const LONGEST_READ_MS = 2_000;

/** What happened in the fleet, for people: newest first, kept for thirty days. */
export class Chronicle {
  readonly #facts: ChronicleFacts;
  #waiting: FleetEvent[] = [];
  readonly #failovers = new Map<string, FleetEvent & { kind: 'failover' }>();
  #written = 0;
  readonly #pause = new GrowingPause(BESIDE);
  #flushing: Promise<void> | null = null;

  constructor(facts: ChronicleFacts) {
    this.#facts = facts;
  }

  tell(events: readonly FleetEvent[]): void {
    this.#waiting.push(...events);
    if (this.#waiting.length > MOST_WAITING) this.#waiting.splice(0, this.#waiting.length - MOST_WAITING);
  }

  /** Requests that went elsewhere are told together: one line for each agent, way and cause. */
  count({ at, ...way }: Failover): void {
    const { agent, from, to, cause } = way;
    const key = `${agent}\n${from}\n${to}\n${cause}`;
    const count = (this.#failovers.get(key)?.count ?? 0) + 1;
    if (count === 1 && this.#failovers.size >= MOST_WAITING) return;
    const { instance } = this.#facts;
    this.#failovers.set(key, { kind: 'failover', ...way, count, at, instance });
  }

  get hasFailovers(): boolean {
    return this.#failovers.size > 0;
  }

  get hasEvents(): boolean {
    return this.#waiting.length > 0;
  }

  /** Writes what waits; what cannot be written waits on. */
  async flush({ failovers }: { readonly failovers: boolean }): Promise<void> {
    if (failovers) {
      this.tell([...this.#failovers.values()]);
      this.#failovers.clear();
    }
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = null;
    });
    await this.#flushing;
  }

  async #flush(): Promise<void> {
    const { store, watch, clock, withinMs } = this.#facts;
    if (!this.#pause.isOver(clock.now())) return;
    while (this.#waiting.length > 0) {
      const day = dayOf(this.#waiting[0]?.at ?? 0);
      const batch = this.#waiting.filter(({ at }) => dayOf(at) === day).slice(0, LARGEST_BATCH);
      const asked = watch.asking();
      try {
        await store.batch(
          'events',
          day,
          batch.map((event) => this.#rowFor(event)),
          withinMs,
        );
      } catch (error) {
        this.#pause.failed(clock.now());
        watch.failed(error, asked);
        return;
      }
      this.#pause.succeeded();
      const told = new Set(batch);
      this.#waiting = this.#waiting.filter((event) => !told.has(event));
    }
  }

  /** Since an instant, newest first: what is in the store, and what this instance has not written yet. */
  async since(instant: number, limit: number): Promise<FleetEvent[]> {
    const { clock, watch } = this.#facts;
    const mine = [...this.#waiting, ...this.#failovers.values()].filter(({ at }) => at >= instant);
    const earliest = Math.max(instant, clock.now() - KEPT_DAYS * DAY_MS);
    const told: FleetEvent[] = [];
    const asked = watch.asking();
    try {
      for (let day = dayStart(clock.now()); day >= dayStart(earliest) && told.length < limit; day -= DAY_MS) {
        told.push(...(await this.#read(dayOf(day), instant, limit - told.length)));
      }
      watch.answered(asked);
    } catch (error) {
      watch.failed(error, asked);
    }
    return [...mine, ...told].sort((left, right) => right.at - left.at).slice(0, limit);
  }

  async #read(day: string, since: number, limit: number): Promise<FleetEvent[]> {
    const { store } = this.#facts;
    const events: FleetEvent[] = [];
    let after: string | null = null;
    do {
      const rows = { to: rowAt(Math.max(since, 1) - 1) };
      const range = { table: 'events' as const, partitions: { from: day, to: `${day}\u0000` }, rows, limit, after };
      const page = await store.list(range, LONGEST_READ_MS);
      events.push(...page.rows.map(eventIn).filter((event) => event !== null));
      after = page.next;
    } while (after !== null && events.length < limit);
    return events;
  }

  #rowFor(event: FleetEvent): Change {
    const row = `${rowAt(event.at)}-${event.instance}-${this.#written++}`;
    return { kind: 'put', row, values: { schema: SCHEMA, kind: event.kind, event: JSON.stringify(event) } };
  }
}

function eventIn({ values }: Row): FleetEvent | null {
  const { event, schema } = values;
  if (typeof event !== 'string' || schema !== SCHEMA) return null;
  try {
    return JSON.parse(event) as FleetEvent;
  } catch {
    // Somebody has written into the row by hand.
    return null;
  }
}

function rowAt(instant: number): string {
  return String(END_OF_TIME - instant).padStart(13, '0');
}

function dayStart(instant: number): number {
  return instant - (instant % DAY_MS);
}

function dayOf(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10);
}

/** Partitions below this hold nothing that is still kept. */
export function oldestEvents(now: number): string {
  return dayOf(now - KEPT_DAYS * DAY_MS);
}
