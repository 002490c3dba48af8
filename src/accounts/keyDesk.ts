import type { Clock } from '../domain/clock.ts';
import { RouterError } from '../domain/errors.ts';
import { type Change, LARGEST_BATCH, type Store, StoreError } from '../store/port.ts';
import { cannotBeChecked, digestOf } from './credential.ts';
import type { KeyChange, KeyRing } from './keyRing.ts';
import { KEYS, type Key, type KeyOrder, toValues, VERSION_ROW, versionValues } from './keyRow.ts';
import { makeKeyText, type RandomBytes } from './keyText.ts';

export interface KeyDeskFacts {
  readonly ring: KeyRing;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

export interface MadeKey {
  readonly key: Key;
  /** What its holder sends: from here on nobody can say it again. */
  readonly text: string;
}

/** Long enough for a busy store: somebody waits for it, and is told. */
const LONGEST_WRITE_MS = 5_000;

/** Where keys are made and revoked. What is done is in the store before anybody is told, and holds at once on this instance. */
export class KeyDesk {
  readonly #facts: KeyDeskFacts;

  constructor(facts: KeyDeskFacts) {
    this.#facts = facts;
  }

  async make(order: KeyOrder): Promise<MadeKey> {
    const { clock, random } = this.#facts;
    const { id, text } = makeKeyText(random);
    const key: Key = { ...order, id, digest: digestOf(text), createdAt: clock.now() };
    await this.#change(async () => {
      await this.#write(id, [{ kind: 'put', row: key.digest, values: toValues(key) }]);
      return { kind: 'made', key };
    });
    return { key, text };
  }

  /** As the store has them; while it cannot be asked, as they were known last. */
  async list(): Promise<readonly Key[]> {
    const { ring } = this.#facts;
    await ring.ready();
    await ring.refresh();
    if (ring.keys === null) throw cannotBeChecked('Keys', 1_000);
    return [...ring.keys].sort((left, right) => left.createdAt - right.createdAt || (left.id < right.id ? -1 : 1));
  }

  /** `null`: there is no such key. */
  async revoke(id: string): Promise<Key | null> {
    const revoked: Key[] = [];
    await this.#change(async (keys) => {
      revoked.push(...keys.filter((key) => key.id === id).slice(0, LARGEST_BATCH - 1));
      if (revoked.length === 0) return null;
      const digests = revoked.map(({ digest }) => digest);
      await this.#write(
        id,
        digests.map((row) => ({ kind: 'remove', row })),
      );
      return { kind: 'revoked', digests };
    });
    return revoked[0] ?? null;
  }

  async #write(id: string, changes: readonly Change[]): Promise<void> {
    const { store, clock } = this.#facts;
    const version: Change = { kind: 'put', row: VERSION_ROW, values: versionValues(id, clock.now()) };
    await store.batch('keys', KEYS, [...changes, version], LONGEST_WRITE_MS);
  }

  async #change(change: (keys: readonly Key[]) => Promise<KeyChange | null>): Promise<void> {
    try {
      await this.#facts.ring.ready();
      await this.#facts.ring.change(change);
    } catch (cause) {
      if (!(cause instanceof StoreError)) throw cause;
      // A call that got no answer may still have been carried out.
      const message = `The store did not take the change (${cause.failure}). See in the list how it stands, and try again.`;
      throw new RouterError('internal', message, { status: 503, cause });
    }
  }
}
