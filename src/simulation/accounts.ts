import { digestOf } from '../accounts/credential.ts';
import type { KeyDesk } from '../accounts/keyDesk.ts';
import { VERSION_ROW, versionValues, withEntry } from '../accounts/keyLog.ts';
import { KEYS, type Key, type KeyOrder, toValues } from '../accounts/keyRow.ts';
import { makeKeyText, type RandomBytes } from '../accounts/keyText.ts';
import type { Draw } from '../domain/clock.ts';
import type { Store } from '../store/port.ts';
import type { Instance } from './instance.ts';
import type { VirtualTime } from './virtualTime.ts';

/** Who pays in a run, and what an operator does about their keys meanwhile. */
export interface Accounts {
  /** As the configuration names them; keys and agents are theirs in turn. */
  readonly names: readonly string[];
  readonly keys: number;
  /** Each time a key is revoked, and another one made in its place. */
  readonly changesAtMs: readonly number[];
  /** Whose limit of tokens a day the run uses up: to be refused for that is no error. */
  readonly capped: string;
}

/** What a request shows, and what is to come of it. */
export interface Shown {
  readonly text: string;
  readonly account: string;
  /** Since when the key is revoked; `null`: it is good. */
  readonly revokedAt: number | null;
  /** Since when there has been such a key; `null`: since before the run. */
  readonly madeAt: number | null;
}

/** A change of one key, from the operator's side. */
interface Slot {
  readonly order: KeyOrder;
  current: Shown & { readonly id: string };
  /** What some go on showing. */
  former: Shown | null;
}

const WITHIN_MS = 5_000;
const NO_LABELS = { plan: null, agent: null, creator: null, operation: null, pools: null, expiresAt: null };

/** The keys of a run: those there are at first, and what becomes of them. */
export class AccountKeys {
  readonly #slots: Slot[];
  readonly #draw: Draw;
  readonly #random: RandomBytes;

  constructor(accounts: Accounts, draw: Draw) {
    this.#draw = draw;
    this.#random = (count) => Buffer.from(Array.from({ length: count }, () => Math.floor(draw() * 256)));
    this.#slots = Array.from({ length: accounts.keys }, (_, at) => {
      const order = { ...NO_LABELS, account: accounts.names[at % accounts.names.length] ?? '' };
      const { id, text } = makeKeyText(this.#random);
      return { order, current: { id, text, account: order.account, revokedAt: null, madeAt: null }, former: null };
    });
  }

  /** Puts the first keys into the store, as if they had long been there. */
  async put(store: Store, at: number): Promise<void> {
    for (const { order, current } of this.#slots) {
      const key: Key = { ...order, id: current.id, digest: digestOf(current.text), createdAt: at };
      await store.put({ table: 'keys', partition: KEYS, row: key.digest }, toValues(key), WITHIN_MS);
    }
    const log = withEntry(null, { version: 'first', at, change: { kind: 'revoked', digests: [] } });
    await store.put({ table: 'keys', partition: KEYS, row: VERSION_ROW }, versionValues('', at, log), WITHIN_MS);
  }

  /** What the agent shows now: where its key was changed, sometimes the former one. */
  shownBy(agentAt: number): Shown {
    const slot = this.#slots[agentAt % this.#slots.length] as Slot;
    return slot.former !== null && this.#draw() < 0.5 ? slot.former : slot.current;
  }

  /** At each of these times an operator on some instance changes the next key. */
  plan(changesAtMs: readonly number[], instances: readonly Instance[], time: VirtualTime): void {
    for (const [at, atMs] of changesAtMs.entries()) {
      const slot = this.#slots[at % this.#slots.length] as Slot;
      const instance = instances[at % instances.length] as Instance;
      time.after(atMs, () => void this.#change(slot, instance.desk(this.#random), () => time.monotonicMs()));
    }
  }

  async #change(slot: Slot, desk: KeyDesk, nowMs: () => number): Promise<void> {
    const { order, current } = slot;
    const made = await desk.make(order);
    slot.current = {
      id: made.key.id,
      text: made.text,
      account: order.account,
      revokedAt: null,
      madeAt: nowMs(),
    };
    await desk.revoke(current.id);
    slot.former = { ...current, revokedAt: nowMs() };
  }
}
