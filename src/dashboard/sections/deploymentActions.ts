/// <reference lib="dom" />
import type { Overview, OverviewDeployment } from '../../domain/overview.ts';
import type { Desk } from '../desk.ts';
import { el, setHidden } from '../dom.ts';
import { listed, milliseconds } from '../words/format.ts';
import { standsAs } from '../words/states.ts';

export interface ProbeResult {
  readonly deployment: string;
  readonly ok: boolean;
  readonly status?: number | null;
  readonly cause?: string | null;
  readonly latencyMs?: number | null;
}

/** Probing waits for the deployment. */
const PROBE_WITHIN_MS = 60_000;

export interface ActionButtons {
  readonly node: HTMLElement;
  show(deployment: OverviewDeployment): void;
}

/** What an operator does to a deployment. */
export class DeploymentActions {
  readonly #desk: Desk;
  #overview: Overview | null = null;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  learn(overview: Overview): void {
    this.#overview = overview;
  }

  /** Named in full for those who hear them out of their row. */
  buttons(id: string): ActionButtons {
    const button = (name: string, press: () => void): HTMLButtonElement => {
      const made = el('button', { type: 'button', class: 'small', 'aria-label': `${name} ${id}` }, name);
      made.addEventListener('click', press);
      return made;
    };
    const drain = button('Drain', () => this.#drain(id));
    const restore = button('Restore', () => this.#restore(id));
    const probe = button('Probe', () => this.#probe(id));
    return {
      node: el('span', { class: 'buttons' }, probe, drain, restore),
      show: ({ state }) => {
        setHidden(drain, state === 'drained');
        setHidden(restore, state === 'closed');
      },
    };
  }

  #drain(id: string): void {
    const left = this.#lastOf(id);
    const warning = left.length === 0 ? '' : ` Nothing else serves ${listed(left)}: its requests will be refused.`;
    void this.#desk.change({
      title: `Drain ${id}?`,
      says: `No new requests go to ${id}, on any instance, until it is restored. Those under way end by themselves.${warning}`,
      does: 'Drain',
      isGrave: true,
      change: async () => {
        await this.#desk.router.ask(`${pathOf(id)}/drain`, { method: 'POST' });
        return `${id} is drained.`;
      },
    });
  }

  #restore(id: string): void {
    const deployment = this.#overview?.deployments.find((one) => one.id === id);
    const now = deployment === undefined ? '' : ` Now ${standsAs(deployment, this.#desk.time.now())}.`;
    void this.#desk.change({
      title: `Restore ${id}?`,
      says: `${id} takes requests again on every instance, whatever kept it out.${now}`,
      does: 'Restore',
      change: async () => {
        await this.#desk.router.ask(`${pathOf(id)}/restore`, { method: 'POST' });
        return `${id} is restored.`;
      },
    });
  }

  #probe(id: string): void {
    const completion = el('input', { type: 'checkbox' });
    void this.#desk.change({
      title: `Probe ${id}?`,
      says: `One call goes to ${id}, whatever its state. By itself it bills nothing and changes nothing: it asks what models there are.`,
      does: 'Probe',
      fields: [
        el(
          'label',
          { class: 'check' },
          completion,
          ' Ask for a completion instead: costs a few tokens, and the router learns from it',
        ),
      ],
      change: async () => {
        const body = { deployments: [id], completion: completion.checked, record: completion.checked };
        const asking = { body, withinMs: PROBE_WITHIN_MS };
        const { results } = await this.#desk.router.ask<{ results: readonly ProbeResult[] }>('/router/probe', asking);
        return probeText(id, results[0] ?? null);
      },
    });
  }

  /** The pools that would have nobody left. */
  #lastOf(id: string): string[] {
    return (this.#overview?.pools ?? [])
      .filter(
        ({ current_endpoint, available_backups }) =>
          current_endpoint === id && available_backups.every((other) => other === id),
      )
      .map(({ name }) => name);
  }
}

function pathOf(id: string): string {
  return `/router/deployments/${encodeURIComponent(id)}`;
}

function probeText(id: string, result: ProbeResult | null): string {
  if (result === null) return `${id} was not probed.`;
  const after = typeof result.latencyMs === 'number' ? ` after ${milliseconds(result.latencyMs)}` : '';
  if (result.ok) return `${id} answered${after}.`;
  const why = result.cause ?? (typeof result.status === 'number' ? `status ${result.status}` : null);
  return `${id} did not pass${after}${why === null ? '' : `: ${why}`}.`;
}
