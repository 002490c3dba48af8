import type { Clock, Draw } from '../domain/clock.ts';
import { RouterError } from '../domain/errors.ts';
import type { StoreWatch } from '../state/storeWatch.ts';
import type { Row, Store } from '../store/port.ts';
import type { Journal } from '../telemetry/port.ts';
import { cannotBeChecked } from './credential.ts';
import { BEHIND_DIGESTS, fromRow, KEYS, type Key, VERSION_ROW } from './keyRow.ts';
import { Remembered } from './remembered.ts';

export interface KeyRingFacts {
  readonly store: Store;
  readonly watch: Pick<StoreWatch, 'asking' | 'answered' | 'failed'>;
  readonly clock: Clock;
  readonly draw: Draw;
  readonly journal: Pick<Journal, 'fault'>;
  readonly refreshMs: number;
  /** So long keys are believed while the store cannot be asked. */
  readonly keysOutliveStoreMs: number;
  /** Ends when the store has been opened, or could not be: for requests that come before that. */
  readonly open: () => Promise<void>;
}

/** What has been done in the store, and is to be known here at once. */
export type KeyChange =
  | { readonly kind: 'made'; readonly key: Key }
  | { readonly kind: 'revoked'; readonly digests: readonly string[] };

/** Reading so often, an instance learns within one refresh period what has become of a key. */
const SHORTEST_CYCLE = 0.65;
const LONGEST_CYCLE = 0.8;
const SHORTEST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 1_000;
/** Rows that were changed by hand have no version: they are looked at as well, now and then. */
const RELIST_MS = 15 * 60_000;
/** An instance that was frozen knows nothing of what happened meanwhile, and its timers come as late as its requests. */
const OVERDUE_MS = 10_000;
/** Longest wait for the store to be opened; whoever needs it sooner is told to try again. */
const LONGEST_OPENING_MS = 5_000;
const PAGE = 1_000;
const LONGEST_PAGE_MS = 5_000;
/** Texts that are no key, each remembered for a refresh period. */
const MOST_UNKNOWN = 10_000;
/** Questions to the store for keys that are not known here, at once: guesses are not to take the store from everybody else. */
const MOST_READS = 32;

/** All keys there are, as of the last refresh: who holds one is let in without a question to the store. */
export class KeyRing {
  readonly #facts: KeyRingFacts;
  readonly #withinMs: number;
  #known = new Map<string, Key>();
  /** Also those that cannot be read: `null` before the first listing. */
  #rows: number | null = null;
  readonly #unknown = new Remembered<true>(MOST_UNKNOWN);
  readonly #reads = new Map<string, Promise<Key | null>>();
  /** The version row's etag before keys were last listed; `undefined`: they never were. */
  #version: string | null | undefined = undefined;
  /** Moves whenever keys may have gone: whatever was read before it may be stale. */
  #generation = 0;
  #relistAt = 0;
  /** When the last refresh that the store answered began. */
  #refreshedAt = 0;
  #isFailing = false;
  #first: Promise<void> | null = null;
  #catchUp: Promise<void> | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #stopTimer: () => void = () => undefined;
  #isClosed = false;

  constructor(facts: KeyRingFacts) {
    this.#facts = facts;
    this.#withinMs = Math.min(Math.max(facts.refreshMs, SHORTEST_WAIT_MS), LONGEST_WAIT_MS);
  }

  /** Whether anybody has made a key; `null`: nobody knows yet. */
  get hasKeys(): boolean | null {
    return this.#rows === null ? null : this.#rows > 0;
  }

  /** `null`: the keys have never been read. */
  get keys(): readonly Key[] | null {
    return this.#rows === null ? null : [...this.#known.values()];
  }

  /** From memory alone; `null`: not there. Throws where keys are not to be believed any longer. */
  recall(digest: string): Key | null {
    const key = this.#known.get(digest);
    if (key === undefined || this.#isOverdue()) return null;
    const ageMs = this.#facts.clock.now() - this.#refreshedAt;
    if (this.#isFailing && ageMs > this.#facts.keysOutliveStoreMs) throw this.#cannotTell();
    return key;
  }

  /** The store is asked for what is not in memory, as the key may have been made elsewhere a moment ago; `null`: there is no such key. */
  async find(digest: string): Promise<Key | null> {
    await this.ready();
    if (this.#isOverdue()) await this.#caughtUp();
    const known = this.recall(digest);
    if (known !== null) return known;
    if (this.#unknown.at(digest, this.#facts.clock.now()) !== null) return null;
    if (this.#isFailing) throw this.#cannotTell();
    const asked = this.#reads.get(digest);
    if (asked !== undefined) return await asked;
    if (this.#reads.size >= MOST_READS) throw this.#cannotTell();
    const reading = this.#read(digest).finally(() => this.#reads.delete(digest));
    this.#reads.set(digest, reading);
    return await reading;
  }

  /** Ends when the keys have been read once, or could not be. */
  ready(): Promise<void> {
    if (this.#rows !== null || this.#isFailing) return Promise.resolve();
    this.#first ??= this.#told(this.#opened().then(() => this.refresh()));
    return this.#first;
  }

  /** Begins to follow the keys, now and from then on; the store is open. */
  start(): void {
    void this.#cycle();
  }

  close(): void {
    this.#isClosed = true;
    this.#stopTimer();
  }

  /** Once: looks whether keys have changed, and reads them if they have. */
  refresh(): Promise<void> {
    return this.#inTurn(() => this.#refresh());
  }

  /** Changes keys in the store, by what is up to date and with no refresh meanwhile; `null`: there was nothing to change. */
  change(change: (keys: readonly Key[]) => Promise<KeyChange | null>): Promise<void> {
    return this.#inTurn(async () => {
      await this.#refresh();
      if (this.#isFailing) throw unread();
      const changed = await change([...this.#known.values()]);
      if (changed !== null) this.#apply(changed);
    });
  }

  #apply(changed: KeyChange): void {
    const before = this.#known.size;
    if (changed.kind === 'made') this.#known.set(changed.key.digest, changed.key);
    else for (const digest of changed.digests) this.#known.delete(digest);
    this.#rows = (this.#rows ?? before) + this.#known.size - before;
    this.#generation++;
  }

  #opened(): Promise<void> {
    const { open, clock } = this.#facts;
    return new Promise((resolve) => {
      const cancel = clock.after(LONGEST_OPENING_MS, resolve);
      const done = (): void => {
        cancel();
        resolve();
      };
      open().then(done, done);
    });
  }

  async #cycle(): Promise<void> {
    const refreshing = this.#told(this.refresh());
    this.#first ??= refreshing;
    await refreshing;
    if (this.#isClosed) return;
    const { clock, draw, refreshMs } = this.#facts;
    const share = SHORTEST_CYCLE + draw() * (LONGEST_CYCLE - SHORTEST_CYCLE);
    this.#stopTimer = clock.after(refreshMs * share, () => void this.#cycle());
  }

  /** Nobody hears of a fault from what goes on behind the requests, unless it is told. */
  #told(work: Promise<void>): Promise<void> {
    return work.catch((error: unknown) => this.#facts.journal.fault({ requestId: '-', error }));
  }

  /** However many requests wait for it, one refresh. */
  #caughtUp(): Promise<void> {
    this.#catchUp ??= this.#told(this.refresh()).finally(() => {
      this.#catchUp = null;
    });
    return this.#catchUp;
  }

  async #refresh(): Promise<void> {
    const { store, watch, clock } = this.#facts;
    const now = clock.now();
    const asked = watch.asking();
    try {
      const row = await store.get({ table: 'keys', partition: KEYS, row: VERSION_ROW }, this.#withinMs);
      const version = row?.etag ?? null;
      // The version was read first: what changes while the keys are listed moves it again.
      if (version !== this.#version || now >= this.#relistAt) await this.#list();
      this.#version = version;
    } catch (error) {
      this.#isFailing = true;
      watch.failed(error, asked);
      return;
    }
    this.#isFailing = false;
    this.#refreshedAt = now;
    watch.answered(asked);
  }

  async #list(): Promise<void> {
    const { store, clock, draw } = this.#facts;
    const rows: Row[] = [];
    const partitions = { from: KEYS, to: `${KEYS}\u0000` };
    const range = { table: 'keys', partitions, rows: { to: BEHIND_DIGESTS }, limit: PAGE } as const;
    let after: string | null = null;
    do {
      const page = await store.list({ ...range, after }, LONGEST_PAGE_MS);
      rows.push(...page.rows);
      after = page.next;
    } while (after !== null);
    this.#known = new Map(rows.map((row) => [row.row, fromRow(row)] as const).filter(isReadable));
    this.#rows = rows.length;
    this.#generation++;
    this.#relistAt = clock.now() + RELIST_MS * (0.5 + draw());
  }

  async #read(digest: string): Promise<Key | null> {
    const { store, watch } = this.#facts;
    const generation = this.#generation;
    const asked = watch.asking();
    let row: Row | null;
    try {
      row = await store.get({ table: 'keys', partition: KEYS, row: digest }, this.#withinMs);
    } catch (cause) {
      watch.failed(cause, asked);
      throw this.#cannotTell(cause);
    }
    watch.answered(asked);
    const key = row === null ? null : fromRow(row);
    if (key === null) this.#unknown.keep(digest, true, this.#facts.clock.now() + this.#facts.refreshMs);
    // Read while keys went, it lets this request in, and is not kept: it may be one of those.
    else if (generation === this.#generation) this.#adopt(key);
    return key;
  }

  #adopt(key: Key): void {
    this.#known.set(key.digest, key);
    this.#rows = Math.max(this.#rows ?? 0, this.#known.size);
  }

  #isOverdue(): boolean {
    const { clock, refreshMs } = this.#facts;
    return !this.#isFailing && clock.now() - this.#refreshedAt > 2 * refreshMs + OVERDUE_MS;
  }

  #cannotTell(cause?: unknown): Error {
    return cannotBeChecked('Keys', this.#facts.refreshMs, cause);
  }

  #inTurn<R>(task: () => Promise<R>): Promise<R> {
    const result = this.#queue.then(task);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

function unread(): RouterError {
  const message = 'The keys could not be read from the store, so nothing was changed. Try again.';
  return new RouterError('internal', message, { status: 503 });
}

function isReadable(entry: readonly [string, Key | null]): entry is readonly [string, Key] {
  return entry[1] !== null;
}
