/** Several instances over one store, each with the state the router has, and time that the test owns. */
import type { Clock } from '../../src/domain/clock.ts';
import type { DeploymentId } from '../../src/domain/deployment.ts';
import type { FleetEvent } from '../../src/domain/event.ts';
import type { Finding } from '../../src/domain/health.ts';
import { SharedOperations } from '../../src/state/operations.ts';
import { SharedState } from '../../src/state/shared.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/port.ts';
import type { Journal } from '../../src/telemetry/port.ts';
import { ManualClock, settled } from '../harness/manualClock.ts';
import { configOf, fleet } from '../harness/router.ts';
import { SILENT } from '../harness/silent.ts';

export const A: DeploymentId = 'A/gpt-4.1';
export const B: DeploymentId = 'B/gpt-4.1';
export const C: DeploymentId = 'C/gpt-4.1';

export const HOMES = { agents: { homes: { cpt_agent: A }, defaultHome: A } };

export interface Instance {
  readonly state: SharedState;
  readonly operations: SharedOperations;
  /** What its journal was told. */
  readonly told: FleetEvent[];
  readonly episodes: string[];
}

export interface FleetOfInstances {
  readonly clock: ManualClock;
  readonly store: Store;
  readonly instances: readonly Instance[];
  /** `its`: how the instance reaches the store, where others reach it otherwise. */
  readonly add: (name: string, its?: Store) => Instance;
}

export interface FleetFacts {
  readonly count: number;
  readonly extra?: object;
  readonly store?: Store;
  readonly draw?: () => number;
  /** What the instances go by, where it is not the fleet's own. */
  readonly time?: Clock;
  /** The instances exchange by themselves; else the test says when. */
  readonly started?: boolean;
}

export function fleetOf({
  count,
  extra = HOMES,
  store = new MemoryStore(),
  draw,
  time,
  started,
}: FleetFacts): FleetOfInstances {
  const clock = new ManualClock();
  const config = configOf(fleet(['https://a.test', 'https://b.test', 'https://c.test'], extra));
  const add = (instance: string, its: Store = store): Instance => {
    const told: FleetEvent[] = [];
    const episodes: string[] = [];
    const journal = journalInto(told, episodes);
    const state = new SharedState({
      config,
      store: its,
      instance,
      clock: time ?? clock,
      draw: draw ?? (() => 0.5),
      journal,
      fingerprint: () => 'c1',
    });
    if (started === true) state.start();
    else state.watch.open();
    return { state, operations: new SharedOperations({ state, store: its, now: () => clock.now() }), told, episodes };
  };
  return { clock, store, instances: Array.from({ length: count }, (_, at) => add(`i${at + 1}`)), add };
}

function journalInto(told: FleetEvent[], episodes: string[]): Journal {
  return {
    ...SILENT,
    happened: (event) => void told.push(event),
    storeLost: ({ problem }) => void episodes.push(`lost: ${problem}`),
    storeFound: () => void episodes.push('found'),
    fault: ({ error }) => {
      throw error;
    },
  };
}

export function finding(deployment: DeploymentId, outcome: Finding['outcome'], facts: Partial<Finding> = {}): Finding {
  return {
    deployment,
    outcome,
    at: 0,
    probe: false,
    retryAfterMs: null,
    latencyMs: null,
    headroom: null,
    cause: 'status 503',
    ...facts,
  };
}

/** An attempt of this instance on `deployment`, now. */
export function learn(
  { state }: Instance,
  clock: ManualClock,
  outcome: Finding['outcome'],
  facts: Partial<Finding> & { readonly on?: DeploymentId; readonly times?: number } = {},
): void {
  const { on = A, times = 1, ...rest } = facts;
  for (let count = 0; count < times; count++) state.record(finding(on, outcome, { at: clock.now(), ...rest }));
}

/** Everybody reads what the others have told, twice: whoever was first also learns of the last. */
export async function converge(instances: readonly Instance[]): Promise<void> {
  for (let round = 0; round < 2; round++) for (const { state } of instances) await state.exchange();
  await settled();
}
