/// <reference lib="dom" />
import type { DeploymentActivity, Overview, OverviewDeployment } from '../../domain/overview.ts';
import type { Desk, Section } from '../desk.ts';
import { bar, byId, el, icon, KeyedRows, type Row, setAttribute, setHidden, setShape, setText } from '../dom.ts';
import { type Column, cell, headCell, row, table } from '../table.ts';
import { clockTime, count, countdown, counted, latencies, NONE, percent } from '../words/format.ts';
import { causeOf, STATES, serves } from '../words/states.ts';
import { DeploymentActions } from './deploymentActions.ts';

const COLUMNS = {
  state: { name: 'State' },
  attempts: { name: 'Attempts', isFigure: true },
  throttled: { name: '429', isFigure: true },
  failed: { name: 'Failed', isFigure: true },
  tokens: { name: 'Tokens', isFigure: true },
  latency: { name: 'p50 / p95', isFigure: true },
  headroom: { name: 'Headroom' },
  actions: { name: 'Actions' },
} as const satisfies Readonly<Record<string, Column>>;

interface Shown {
  readonly deployment: OverviewDeployment;
  readonly activity: DeploymentActivity | null;
}

interface Group {
  readonly endpoint: string;
  readonly rows: readonly Shown[];
}

/** Each deployment, under its endpoint: how it stands, why, until when, and what it did in the last five minutes. */
export class DeploymentsSection implements Section {
  readonly #summary = el('p', { class: 'panel-note' });
  readonly #empty = el('p', { class: 'empty' }, 'No deployment is configured.');
  readonly #table = table('Deployments', [{ name: 'Deployment' }, ...Object.values(COLUMNS)]);
  readonly #actions: DeploymentActions;
  readonly #groups: KeyedRows<Group>;
  #rows: DeploymentRow[] = [];
  #now = 0;

  constructor(desk: Desk) {
    this.#actions = new DeploymentActions(desk);
    this.#table.body.remove();
    this.#groups = new KeyedRows(
      this.#table.table,
      ({ endpoint }) => endpoint,
      () => this.#group(),
      this.#table.table.tHead,
    );
    byId('deployments', HTMLElement).append(this.#summary, this.#table.node, this.#empty);
  }

  show(overview: Overview, now: number): void {
    this.#now = now;
    this.#actions.learn(overview);
    const activity = new Map(overview.activity.deployments.map((one) => [one.deployment, one]));
    const shown = overview.deployments.map((deployment) => ({
      deployment,
      activity: activity.get(deployment.id) ?? null,
    }));
    this.#rows = [];
    const groups = Map.groupBy(shown, ({ deployment }) => deployment.endpoint);
    this.#groups.show([...groups].map(([endpoint, rows]) => ({ endpoint, rows })));
    setHidden(this.#table.node, shown.length === 0);
    setHidden(this.#empty, shown.length > 0);
    setText(this.#summary, 'The fleet’s states; attempts, latency and tokens of this instance in the last 5 minutes.');
  }

  tick(now: number): void {
    for (const one of this.#rows) one.tick(now);
  }

  #group(): Row<Group> {
    const name = el('strong');
    const note = el('span', { class: 'quiet' });
    const columns = Object.keys(COLUMNS).length + 1;
    const head = el('th', { scope: 'rowgroup', role: 'cell', colspan: String(columns) }, name, ' ', note);
    const headRow = el('tr', { role: 'row', class: 'group' }, head);
    const node = el('tbody', { role: 'rowgroup' }, headRow);
    const rows = new KeyedRows<Shown>(
      node,
      ({ deployment }) => deployment.id,
      (one) => this.#row(one),
      headRow,
    );
    return {
      node,
      update: ({ endpoint, rows: shown }) => {
        const serving = shown.filter(({ deployment }) => serves(deployment)).length;
        const region = shown[0]?.deployment.region ?? null;
        setText(name, endpoint);
        setText(
          note,
          `${region === null ? '' : `${region} · `}${serving} of ${counted(shown.length, 'deployment')} serving`,
        );
        rows.show(shown);
      },
    };
  }

  #row({ deployment }: Shown): Row<Shown> {
    const made = new DeploymentRow(deployment.id, this.#actions);
    return {
      node: made.node,
      update: (shown) => {
        made.update(shown, this.#now);
        this.#rows.push(made);
      },
    };
  }
}

class DeploymentRow {
  readonly node: HTMLTableRowElement;
  readonly #about = el('span', { class: 'under' });
  readonly #icon = icon('good');
  readonly #state = el('span');
  readonly #badge = el('span', { class: 'badge' }, this.#icon, this.#state);
  readonly #why = el('span');
  readonly #left = el('span', { class: 'countdown' });
  readonly #headroom = bar();
  readonly #headroomText = el('span', { class: 'bar-text' });
  readonly #figures = {
    attempts: cell(COLUMNS.attempts),
    throttled: cell(COLUMNS.throttled),
    failed: cell(COLUMNS.failed),
    latency: cell(COLUMNS.latency),
    tokens: cell(COLUMNS.tokens),
  };
  readonly #buttons: ReturnType<DeploymentActions['buttons']>;
  #until: string | null = null;

  constructor(id: string, actions: DeploymentActions) {
    this.#buttons = actions.buttons(id);
    const { attempts, throttled, failed, latency, tokens } = this.#figures;
    this.node = row(
      headCell(el('span', { class: 'name' }, id), this.#about),
      cell(COLUMNS.state, this.#badge, el('span', { class: 'under' }, this.#why, this.#left)),
      attempts,
      throttled,
      failed,
      tokens,
      latency,
      cell(COLUMNS.headroom, el('span', { class: 'with-bar' }, this.#headroom.node, this.#headroomText)),
      cell(COLUMNS.actions, this.#buttons.node),
    );
    this.node.classList.add('deployment');
  }

  update({ deployment, activity }: Shown, now: number): void {
    const { model, kind, state, until, headroom } = deployment;
    const { name, tone, meaning } = STATES[state];
    setText(this.#about, [model ?? 'model unknown', ...(kind === 'ptu' ? ['PTU'] : [])].join(' · '));
    setAttribute(this.node, 'data-tone', tone);
    setAttribute(this.node, 'data-state', state);
    setAttribute(this.#badge, 'data-tone', tone);
    setShape(this.#icon, tone);
    setText(this.#state, until === null ? name : `${name} until ${clockTime(until, now)}`);
    setText(this.#why, causeOf(deployment) ?? meaning);
    setText(this.#headroomText, headroom === null ? NONE : `${Math.round(headroom * 100)}%`);
    this.#headroom.show(headroom, headroom === null || headroom > 0.25 ? 'good' : headroom > 0.1 ? 'wait' : 'bad');
    this.#buttons.show(deployment);
    this.#until = until;
    this.#showFigures(activity);
    this.tick(now);
  }

  tick(now: number): void {
    setText(this.#left, this.#until === null ? '' : ` · ${countdown(this.#until, now)}`);
  }

  #showFigures(activity: DeploymentActivity | null): void {
    const { attempts, throttled, failed, latency, tokens } = this.#figures;
    const total = activity?.attempts ?? 0;
    setText(attempts, count(total));
    setText(throttled, percent(activity?.throttled ?? 0, total));
    setText(failed, count(activity?.failed ?? 0));
    setAttribute(throttled, 'data-tone', (activity?.throttled ?? 0) > 0 ? 'wait' : null);
    setAttribute(failed, 'data-tone', (activity?.failed ?? 0) > 0 ? 'bad' : null);
    const { p50Ms = null, p95Ms = null } = activity ?? {};
    setText(latency, latencies(p50Ms, p95Ms));
    setText(tokens, count(activity?.tokens ?? 0));
  }
}
