/// <reference lib="dom" />
import type { Overview, OverviewAgent } from '../../domain/overview.ts';
import type { Desk, Section } from '../desk.ts';
import { labelled, select } from '../dialogs.ts';
import { byId, el, icon, KeyedRows, type Row, setAttribute, setHidden, setText } from '../dom.ts';
import { type Column, cell, headCell, row, table } from '../table.ts';
import { NONE } from '../words/format.ts';
import { sinceText, whyText } from '../words/sentences.ts';
import { isMoved } from '../words/verdict.ts';

const COLUMNS = {
  on: { name: 'Goes to' },
  home: { name: 'Home' },
  why: { name: 'Why' },
  failures: { name: 'Failures', isFigure: true },
  actions: { name: 'Actions' },
} as const satisfies Readonly<Record<string, Column>>;

/** Who is where, and why. */
export class AgentsSection implements Section {
  readonly #desk: Desk;
  readonly #table = table('Agents', [{ name: 'Agent' }, ...Object.values(COLUMNS)]);
  readonly #empty = el('p', { class: 'empty' }, 'No agent has a home, and none has moved.');
  readonly #rows = new KeyedRows<OverviewAgent>(
    this.#table.body,
    ({ agent }) => agent,
    ({ agent }) => this.#row(agent),
  );
  #deployments: readonly string[] = [];
  #now = 0;

  constructor(desk: Desk) {
    this.#desk = desk;
    byId('agents', HTMLElement).append(this.#table.node, this.#empty);
  }

  show({ agents, deployments }: Overview, now: number): void {
    this.#now = now;
    this.#deployments = deployments.map(({ id }) => id);
    // Those who are not where they belong come first: they are why somebody looks.
    const shown = [...agents].sort((a, b) => Number(isAway(b)) - Number(isAway(a)));
    this.#rows.show(shown);
    setHidden(this.#table.node, shown.length === 0);
    setHidden(this.#empty, shown.length > 0);
  }

  #row(name: string): Row<OverviewAgent> {
    const mark = el('span', { class: 'badge' }, icon('wait'), el('span'));
    const markText = mark.lastElementChild ?? mark;
    const on = el('span', { class: 'name' });
    const home = cell(COLUMNS.home);
    const why = el('span');
    const since = el('span', { class: 'under' });
    const failures = cell(COLUMNS.failures);
    const buttons = this.#buttons(name);
    const node = row(
      headCell(el('span', { class: 'name' }, name)),
      cell(COLUMNS.on, el('span', { class: 'with-mark' }, on, ' ', mark)),
      home,
      cell(COLUMNS.why, el('span', { class: 'stack' }, why, since)),
      failures,
      cell(COLUMNS.actions, buttons.node),
    );
    return {
      node,
      update: (agent) => {
        const moved = isMoved(agent);
        setAttribute(node, 'data-tone', isAway(agent) ? (moved ? 'wait' : 'off') : null);
        setText(on, agent.assignment ?? NONE);
        setText(markText, agent.pinned ? 'pinned' : 'moved');
        setAttribute(mark, 'data-tone', moved ? 'wait' : 'off');
        setHidden(mark, !isAway(agent));
        setText(home, agent.home ?? NONE);
        setText(why, whyText(agent));
        setText(since, agent.since === null ? '' : sinceText(agent, this.#now));
        setText(failures, String(agent.failures));
        setHidden(buttons.sendHome, !isAway(agent));
      },
    };
  }

  #buttons(agent: string): { node: HTMLElement; sendHome: HTMLButtonElement } {
    const move = el('button', { type: 'button', class: 'small', 'aria-label': `Move ${agent}` }, 'Move…');
    const sendHome = el('button', { type: 'button', class: 'small', 'aria-label': `Send ${agent} home` }, 'Send home');
    move.addEventListener('click', () => this.#move(agent));
    sendHome.addEventListener('click', () => this.#sendHome(agent));
    return { node: el('span', { class: 'buttons' }, move, sendHome), sendHome };
  }

  #move(agent: string): void {
    const to = labelled('Deployment', select(this.#deployments));
    const pin = el('input', { type: 'checkbox' });
    const pinned = el('label', { class: 'check' }, pin, ' Pin it there until it is sent home');
    void this.#desk.change({
      title: `Move ${agent}?`,
      says: `Requests of ${agent} go to the deployment chosen here, on every instance. Not pinned, it goes home by itself after a while.`,
      does: 'Move',
      fields: [to.node, pinned],
      change: async () => {
        const body = { deployment: to.input.value, pinned: pin.checked };
        await this.#desk.router.ask(pathOf(agent), { method: 'PUT', body });
        return `${agent} ${pin.checked ? 'is pinned to' : 'moved to'} ${to.input.value}.`;
      },
    });
  }

  #sendHome(agent: string): void {
    void this.#desk.change({
      title: `Send ${agent} home?`,
      says: `Requests of ${agent} go to its home again, on every instance; where its home is out, they fail over.`,
      does: 'Send home',
      change: async () => {
        await this.#desk.router.ask(pathOf(agent), { method: 'DELETE' });
        return `${agent} is home.`;
      },
    });
  }
}

function isAway(agent: OverviewAgent): boolean {
  return agent.pinned || (agent.since !== null && agent.assignment !== agent.home);
}

function pathOf(agent: string): string {
  return `/router/agents/${encodeURIComponent(agent)}`;
}
