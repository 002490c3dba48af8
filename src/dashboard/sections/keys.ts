/// <reference lib="dom" />
import type { KeyView, Overview } from '../../domain/overview.ts';
import type { Desk, Section } from '../desk.ts';
import { type Field, labelled, showOnce } from '../dialogs.ts';
import { byId, el, KeyedRows, type Row, setHidden, setText } from '../dom.ts';
import { problemText, Refused } from '../live/router.ts';
import { type Column, cell, headCell, row, table } from '../table.ts';
import { clockTime, NONE } from '../words/format.ts';

const COLUMNS = {
  holds: { name: 'Fixed for its holder' },
  expires: { name: 'Expires' },
  actions: { name: 'Actions' },
} as const satisfies Readonly<Record<string, Column>>;

/** The keys that operators have made; what a key itself reads is shown once, when it is made. */
export class KeysSection implements Section {
  readonly #desk: Desk;
  readonly #table = table('Keys', [{ name: 'Account' }, ...Object.values(COLUMNS)]);
  readonly #note = el('p', { class: 'empty' }, 'Reading the keys…');
  readonly #rows = new KeyedRows<KeyView>(
    this.#table.body,
    ({ id }) => id,
    (key) => this.#row(key),
  );
  #isAsked = false;

  constructor(desk: Desk) {
    this.#desk = desk;
    const make = el('button', { type: 'button', class: 'primary' }, 'Make a key…');
    const reload = el('button', { type: 'button' }, 'Reload');
    make.addEventListener('click', () => this.#make());
    reload.addEventListener('click', () => void this.load());
    setHidden(this.#table.node, true);
    byId('keys', HTMLElement).append(el('div', { class: 'panel-buttons' }, reload, make), this.#table.node, this.#note);
  }

  /** Keys change by hand alone, and reading them costs a call of the store: once, and again when asked. */
  show(_overview: Overview): void {
    if (!this.#isAsked) void this.load();
  }

  async load(): Promise<void> {
    this.#isAsked = true;
    try {
      const { items } = await this.#desk.router.ask<{ items: readonly KeyView[] }>('/router/keys');
      this.#rows.show(items);
      setHidden(this.#table.node, items.length === 0);
      setHidden(this.#note, items.length > 0);
      setText(this.#note, 'No key has been made. The admin key is not listed.');
    } catch (error) {
      this.#isAsked = !(error instanceof Refused && error.needsKey);
      setHidden(this.#note, false);
      setText(this.#note, problemText(error));
    }
  }

  #row({ id, account }: KeyView): Row<KeyView> {
    const who = el('span', { class: 'name' });
    const holds = cell(COLUMNS.holds);
    const expires = cell(COLUMNS.expires);
    const name = `key ${id} of ${account}`;
    const revoke = el('button', { type: 'button', class: 'small', 'aria-label': `Revoke ${name}` }, 'Revoke');
    revoke.addEventListener('click', () => this.#revoke(id, account));
    return {
      node: row(
        headCell(who, el('span', { class: 'under' }, id)),
        holds,
        expires,
        cell(COLUMNS.actions, el('span', { class: 'buttons' }, revoke)),
      ),
      update: (key) => {
        const now = this.#desk.time.now();
        setText(who, key.account);
        setText(holds, holdsText(key));
        setText(
          expires,
          key.expiresAt === null ? 'never' : `${clockTime(key.expiresAt, now)}${key.expired ? ' (expired)' : ''}`,
        );
      },
    };
  }

  #revoke(id: string, account: string): void {
    void this.#desk.change({
      title: 'Revoke this key?',
      says: `Requests with the key ${id} of ${account} are refused from now on. This cannot be taken back.`,
      does: 'Revoke',
      isGrave: true,
      change: async () => {
        await this.#desk.router.ask(`/router/keys/${encodeURIComponent(id)}`, { method: 'DELETE' });
        await this.load();
        return `The key ${id} is revoked.`;
      },
    });
  }

  #make(): void {
    const text = (label: string, hint: string | null = null, required = false): Field =>
      labelled(label, el('input', { type: 'text', autocomplete: 'off', required, maxlength: '128' }), hint);
    const fields: Readonly<Record<string, Field>> = {
      account: text('Account', 'Who pays.', true),
      plan: text('Plan', 'Instead of the account’s own.'),
      agent: text('Agent'),
      creator: text('Creator'),
      operation: text('Operation'),
      pools: text('Pools', 'Separated by commas; empty for all.'),
      expiresAt: labelled('Expires', el('input', { type: 'datetime-local' }), 'Your time; empty for never.'),
    };
    let made: (KeyView & { readonly key: string }) | null = null;
    const changed = this.#desk.change({
      title: 'Make a key',
      says: 'Its holder may use the data plane as the account given here. What else is given is fixed for its requests. The key is shown once.',
      does: 'Make it',
      fields: [el('div', { class: 'fields' }, ...Object.values(fields).map(({ node }) => node))],
      change: async () => {
        const body = orderOf(fields);
        const key = await this.#desk.router.ask<KeyView & { readonly key: string }>('/router/keys', { body });
        made = key;
        await this.load();
        return `A key for ${key.account} is made.`;
      },
    });
    void changed.then(() => (made === null ? undefined : showMade(made)));
  }
}

function showMade({ account, key }: { readonly account: string; readonly key: string }): Promise<void> {
  const says = 'This is the only time that it is shown. The router keeps a digest alone.';
  return showOnce(`A key for ${account}`, says, key);
}

function holdsText({ plan, agent, creator, operation, pools }: KeyView): string {
  const held = Object.entries({ plan, agent, creator, operation, pools: pools?.join(', ') ?? null });
  const texts = held.flatMap(([name, value]) => (value === null ? [] : [`${name} ${value}`]));
  return texts.length === 0 ? NONE : texts.join(' · ');
}

/** What was left empty is not sent. */
function orderOf(fields: Readonly<Record<string, Field>>): Readonly<Record<string, unknown>> {
  const given = Object.entries(fields).flatMap(([name, { input }]): [string, unknown][] => {
    const value = input.value.trim();
    if (value === '') return [];
    if (name === 'pools') return [[name, value.split(',').map((pool) => pool.trim())]];
    return [[name, name === 'expiresAt' ? new Date(value).toISOString() : value]];
  });
  return Object.fromEntries(given);
}
