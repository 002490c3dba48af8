import type { Draw } from '../domain/clock.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { MemoryStore } from '../store/memory.ts';
import type { Store } from '../store/port.ts';
import { AccountKeys } from './accounts.ts';
import { between, streamOf } from './chance.ts';
import { Convergence } from './convergence.ts';
import { CountingStore } from './countingStore.ts';
import { SimulatedDeployments } from './deployments.ts';
import { DistantStore, type Weather } from './distantStore.ts';
import { FleetRecord } from './fleetRecord.ts';
import { Instance, type InstanceFacts } from './instance.ts';
import { Measures } from './measures.ts';
import { Outage } from './outages.ts';
import { QuotaWatch } from './quotaWatch.ts';
import { type Reckoning, reckon } from './reckoning.ts';
import { Requests } from './requests.ts';
import { downsOf, isOn, type Scenario, storeFaultsOf } from './scenario.ts';
import { StoreLedger } from './storeLedger.ts';
import { ThrottlingStore } from './throttlingStore.ts';
import { clockAhead, VirtualTime } from './virtualTime.ts';

/** All that a run leaves behind. */
export interface Run {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly measures: Measures;
  readonly ledger: StoreLedger;
  readonly fleet: FleetRecord;
  readonly outages: readonly Outage[];
  readonly convergences: readonly Convergence[];
  /** What each instance takes the fleet's size for, in the end. */
  readonly census: readonly number[];
  readonly quotaWatch: QuotaWatch;
  /** `null`: nobody is asked for a key. */
  readonly reckoning: Reckoning | null;
}

/** Plays the scenario: the same seed, the same run. */
export async function simulate(scenario: Scenario, seed: number): Promise<Run> {
  const time = new VirtualTime(scenario.startedAt);
  const now = () => time.monotonicMs();
  const fleet = new FleetRecord(now);
  const { refreshMs } = scenario.config.breaker;
  const measures = new Measures({ nowMs: now, refreshMs, fleet, capped: scenario.accounts?.capped ?? null });
  const ledger = new StoreLedger();
  const requests = new Requests();
  const quotaWatch = new QuotaWatch(now, requests);
  const outages: Outage[] = [];
  const memory = new MemoryStore();
  const keys = await keysIn(memory, scenario, streamOf(seed, 'keys'));
  const service = new CountingStore(throttled(memory, scenario, now), (call) => {
    ledger.add(call, now());
    fleet.read(call);
  });
  const store = new DistantStore(service, {
    clock: time,
    draw: streamOf(seed, 'store'),
    weather: () => weatherAt(scenario, now()),
    onEnded: () => requests.storeAnswered(),
  });
  const upstream = new SimulatedDeployments({
    clock: time,
    draw: streamOf(seed, 'deployments'),
    faults: scenario.faults,
    answers: scenario.answers,
    connectMs: scenario.config.timeouts.connectMs,
    requests,
    onSent: (attempt) => measures.sent(attempt),
    onAnswered: (attempt, status) => {
      measures.answered(attempt, status);
      note(outages, attempt, status);
    },
  });
  const world = { store, upstream, measures, requests, keys, quotaWatch };
  const instances = instancesOf(scenario, seed, time, world);
  // Where the store cannot be relied on each instance finds out for itself.
  const mayReturn = (id: DeploymentId) => fleet.isClosed(id) || storeFaultsOf(scenario).length > 0;
  outages.push(...downsOf(scenario).map((down) => new Outage({ down, time, instances, mayReturn })));
  const { config } = scenario;
  const convergences = storeFaultsOf(scenario).map(
    ({ toMs }) => new Convergence({ fromMs: toMs, time, instances, fleet, config }),
  );
  keys?.plan(scenario.accounts?.changesAtMs ?? [], instances, time);
  await time.runUntil(scenario.lastsMs);
  const census = instances.map(({ state }) => state.deployments.instances);
  const reckoning = keys === null ? null : await reckon(memory, instances, time);
  return { scenario, seed, measures, ledger, fleet, outages, convergences, census, quotaWatch, reckoning };
}

async function keysIn(store: Store, { accounts, startedAt }: Scenario, draw: Draw): Promise<AccountKeys | null> {
  if (accounts === null) return null;
  const keys = new AccountKeys(accounts, draw);
  await keys.put(store, startedAt);
  return keys;
}

interface World extends Pick<InstanceFacts, 'store' | 'upstream' | 'requests' | 'keys' | 'quotaWatch'> {
  readonly measures: Measures;
}

/** They begin one by one, as their time comes. */
function instancesOf(scenario: Scenario, seed: number, time: VirtualTime, { measures, ...world }: World): Instance[] {
  const instances = Array.from({ length: scenario.instances }, (_, index) => {
    const name = `i${index}`;
    const draw = streamOf(seed, name);
    const error = Math.round(between(draw, -scenario.clockErrorMs, scenario.clockErrorMs));
    return new Instance({
      ...world,
      name,
      scenario,
      clock: clockAhead(time, error),
      draw,
      traffic: streamOf(seed, `${name} traffic`),
      journal: measures,
      onServed: (served) => measures.served(served),
    });
  });
  const starts = streamOf(seed, 'starts');
  for (const instance of instances) time.after(between(starts, 0, scenario.startsWithinMs), () => instance.start());
  return instances;
}

function throttled(store: Store, { store: { entitiesPerSecond } }: Scenario, nowMs: () => number): ThrottlingStore {
  return new ThrottlingStore(store, { nowMs, entitiesPerSecond });
}

function weatherAt(scenario: Scenario, nowMs: number): Weather {
  const faults = storeFaultsOf(scenario).filter((fault) => isOn(fault, nowMs));
  if (faults.some(({ kind }) => kind === 'storeGone')) return { kind: 'gone' };
  const slow = faults.find((fault) => fault.kind === 'storeSlow');
  return { kind: 'open', latency: slow?.latency ?? scenario.store.latency };
}

function note(
  outages: readonly Outage[],
  { deployment, probe }: { readonly deployment: DeploymentId; readonly probe: boolean },
  status: number | null,
): void {
  for (const outage of outages) {
    if (status === null || status >= 500) outage.failed(deployment);
    else if (status === 200 && !probe) outage.served(deployment);
  }
}
