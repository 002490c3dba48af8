import type { Clock, Draw } from '../domain/clock.ts';
import { RouterError } from '../domain/errors.ts';
import type { StoreWatch } from '../state/storeWatch.ts';
import type { Row, Store } from '../store/port.ts';
import type { Journal } from '../telemetry/port.ts';
import { cannotBeChecked } from './credential.ts';
import { listKeys } from './keyList.ts';
import { changesSince, type KeyChange, toVersionRow, VERSION_ROW, type VersionRow, versionOf } from './keyLog.ts';
import { fromRow, KEYS, type Key } from './keyRow.ts';
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

/** What became of an attempt to change keys in the store; what has changed is to be known here at once. */
export type Attempt =
  | { readonly kind: 'nothing' }
  /** Somebody else was first. */
  | { readonly kind: 'conflict' }
  /** `version`: what this led to from what was up to date; `null`: others may have been in between. */
  | { readonly kind: 'changed'; readonly change: KeyChange; readonly version: string | null };

/**
 * `lost`: the store does not answer. `behind`: it does, and is too busy for a list: what is known may be out of date, and what is not
 * known can be asked for.
 */
type Standing = 'current' | 'behind' | 'lost';

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
/** Texts that are no key, each remembered for a refresh period. */
const MOST_UNKNOWN = 10_000;
/** Questions to the store for keys that are not known here, at once: guesses are not to take the store from everybody else. */
const MOST_READS = 32;

/** All keys there are, as of the last refresh: who holds one is let in without a question to the store. */
export class KeyRing {
  readonly #facts: KeyRingFacts;
  readonly #withinMs: number;
  #known = new Map<string, Key>();
  /** Rows that are there and cannot be read: `null` before the first listing. */
  #unreadable: number | null = null;
  readonly #unknown = new Remembered<true>(MOST_UNKNOWN);
  readonly #reads = new Map<string, Promise<Key | null>>();
  /** The version row as last read, and all of it known here; `null`: it never was. */
  #row: VersionRow | null = null;
  /** The version of what is known here, with what was changed here since; `null`: none that a log could name. */
  #version: string | null = null;
  /** Moves whenever keys may have gone: whatever was read before it may be stale. */
  #generation = 0;
  #relistAt = 0;
  /** When the last refresh that the store answered began. */
  #refreshedAt = 0;
  #standing: Standing = 'current';
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
    if (this.#known.size > 0) return true;
    return this.#unreadable === null ? null : this.#unreadable > 0;
  }

  /** `null`: the keys have never been read. */
  get keys(): readonly Key[] | null {
    return this.#unreadable === null ? null : [...this.#known.values()];
  }

  /** From memory alone; `null`: not there, or to be asked for. Throws where keys are not to be believed any longer. */
  recall(digest: string): Key | null {
    const key = this.#known.get(digest);
    if (key === undefined || this.#isOverdue()) return null;
    const ageMs = this.#facts.clock.now() - this.#refreshedAt;
    if (this.#standing === 'current' || ageMs <= this.#facts.keysOutliveStoreMs) return key;
    if (this.#standing === 'lost') throw this.#cannotTell();
    return null;
  }

  /** The store is asked for what is not in memory, as the key may have been made elsewhere a moment ago; `null`: there is no such key. */
  async find(digest: string): Promise<Key | null> {
    await this.ready();
    if (this.#isOverdue()) await this.#caughtUp();
    const known = this.recall(digest);
    if (known !== null) return known;
    if (this.#unknown.at(digest, this.#facts.clock.now()) !== null) return null;
    if (this.#standing === 'lost') throw this.#cannotTell();
    const asked = this.#reads.get(digest);
    if (asked !== undefined) return await asked;
    if (this.#reads.size >= MOST_READS) throw this.#cannotTell();
    const reading = this.#read(digest).finally(() => this.#reads.delete(digest));
    this.#reads.set(digest, reading);
    return await reading;
  }

  /** Ends when the keys have been read once, or could not be. */
  ready(): Promise<void> {
    if (this.#unreadable !== null || this.#standing !== 'current') return Promise.resolve();
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

  /** Has keys changed in the store, by what is up to date (the version row too) and with no refresh meanwhile. */
  change(change: (keys: readonly Key[], row: VersionRow) => Promise<Attempt>): Promise<Attempt> {
    return this.#inTurn(async () => {
      await this.#refresh();
      if (this.#standing !== 'current' || this.#row === null) throw unread();
      const attempt = await change([...this.#known.values()], this.#row);
      if (attempt.kind !== 'changed') return attempt;
      this.#apply(attempt.change);
      this.#version = attempt.version;
      return attempt;
    });
  }

  /** Bears repeating, in order. */
  #apply(change: KeyChange): void {
    if (change.kind === 'made') this.#known.set(change.key.digest, change.key);
    else for (const digest of change.digests) this.#known.delete(digest);
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
      this.#standing = (await this.#follow(toVersionRow(row), now)) ? 'current' : 'behind';
    } catch (error) {
      this.#standing = 'lost';
      watch.failed(error, asked);
      return;
    }
    if (this.#standing === 'current') this.#refreshedAt = now;
    watch.answered(asked);
  }

  /** By what the row tells, or by a list where it does not tell enough. False: the store is too busy for a list. */
  async #follow(row: VersionRow, now: number): Promise<boolean> {
    const changes = row.etag === this.#row?.etag ? [] : changesSince(this.#version, row);
    for (const change of changes ?? []) this.#apply(change);
    // The row was read first: what changes while the keys are listed stands behind its version, and is then made once more.
    if ((changes === null || now >= this.#relistAt) && !(await this.#list())) return false;
    this.#row = row;
    this.#version = versionOf(row);
    return true;
  }

  async #list(): Promise<boolean> {
    const { store, clock, draw } = this.#facts;
    const listed = await listKeys(store);
    if (listed === null) return false;
    this.#known = new Map(listed.keys.map((key) => [key.digest, key]));
    this.#unreadable = listed.unreadable;
    this.#generation++;
    this.#relistAt = clock.now() + RELIST_MS * (0.5 + draw());
    return true;
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
    else if (generation === this.#generation) this.#known.set(key.digest, key);
    return key;
  }

  #isOverdue(): boolean {
    const { clock, refreshMs } = this.#facts;
    return this.#standing === 'current' && clock.now() - this.#refreshedAt > 2 * refreshMs + OVERDUE_MS;
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
