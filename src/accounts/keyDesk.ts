import type { Clock, Draw } from '../domain/clock.ts';
import { RouterError } from '../domain/errors.ts';
import { type Change, LARGEST_BATCH, type Store, StoreError, type Values } from '../store/port.ts';
import { cannotBeChecked, digestOf } from './credential.ts';
import { type KeyChange, VERSION_ROW, type VersionRow, versionValues, withEntry } from './keyLog.ts';
import type { Attempt, KeyRing } from './keyRing.ts';
import { KEYS, type Key, type KeyOrder, toValues } from './keyRow.ts';
import { makeKeyText, type RandomBytes } from './keyText.ts';

export interface KeyDeskFacts {
  readonly ring: KeyRing;
  readonly store: Store;
  readonly clock: Clock;
  readonly draw: Draw;
  readonly random: RandomBytes;
}

export interface MadeKey {
  readonly key: Key;
  /** What its holder sends: from here on nobody can say it again. */
  readonly text: string;
}

/** Long enough for a busy store: somebody waits for it, and is told. */
const LONGEST_WRITE_MS = 5_000;
/** The last of them is unconditional. */
const MOST_TRIES = 8;
const PAUSE_MS = 5;
/** So many are never drawn twice while anybody may remember them. */
const VERSION_BYTES = 9;

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
    await this.#change(id, () => ({ kind: 'made', key }));
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
    let revoked: readonly Key[] = [];
    await this.#change(id, (keys) => {
      revoked = keys.filter((key) => key.id === id).slice(0, LARGEST_BATCH - 1);
      return revoked.length === 0 ? null : { kind: 'revoked', digests: revoked.map(({ digest }) => digest) };
    });
    return revoked[0] ?? null;
  }

  /** `decide` again, from what others have written meanwhile, until that is written; `null`: there is nothing to change. */
  async #change(id: string, decide: (keys: readonly Key[]) => KeyChange | null): Promise<void> {
    const { ring } = this.#facts;
    try {
      await ring.ready();
      for (let tries = 1; ; tries++) {
        const attempt = await ring.change(async (keys, row) => {
          const change = decide(keys);
          if (change === null) return { kind: 'nothing' };
          return await this.#write(id, change, tries < MOST_TRIES ? row : null);
        });
        if (attempt.kind !== 'conflict') return;
        if (tries > 1) await this.#pause(tries);
      }
    } catch (cause) {
      if (!(cause instanceof StoreError)) throw cause;
      // A call that got no answer may still have been carried out: then the log tells this instance as it tells the others.
      const message = `The store did not take the change (${cause.failure}). See in the list how it stands, and try again.`;
      throw new RouterError('internal', message, { status: 503, cause });
    }
  }

  /**
   * Only where the version row is still `row`, from which the log in the new one is made. `null`: whatever the row is, as a revocation
   * must not fail because others are busy. What they wrote is then in no log, nor is any version before it, and everybody lists.
   */
  async #write(id: string, change: KeyChange, row: VersionRow | null): Promise<Attempt> {
    const { store, clock, random } = this.#facts;
    const at = clock.now();
    const version = random(VERSION_BYTES).toString('base64url');
    const values = versionValues(id, at, withEntry(row?.log ?? null, { version, at, change }));
    const changes = [...toRows(change), toVersionChange(row, values)];
    const { kind } = await store.batch('keys', KEYS, changes, LONGEST_WRITE_MS);
    return kind === 'conflict' ? { kind } : { kind: 'changed', change, version: row === null ? null : version };
  }

  #pause(tries: number): Promise<void> {
    const { clock, draw } = this.#facts;
    return new Promise((resolve) => void clock.after(draw() * PAUSE_MS * 2 ** tries, resolve));
  }
}

function toRows(change: KeyChange): Change[] {
  if (change.kind === 'made') return [{ kind: 'put', row: change.key.digest, values: toValues(change.key) }];
  return change.digests.map((row) => ({ kind: 'remove', row }));
}

function toVersionChange(row: VersionRow | null, values: Values): Change {
  if (row === null) return { kind: 'put', row: VERSION_ROW, values };
  const { etag } = row;
  return etag === null
    ? { kind: 'insert', row: VERSION_ROW, values }
    : { kind: 'replace', row: VERSION_ROW, values, etag };
}
