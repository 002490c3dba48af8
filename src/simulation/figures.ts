/** What a run came to, in figures. */
import type { Table } from '../store/port.ts';
import { type AccountFigures, accountFigures, type TablePeaks, tablePeaks } from './accountFigures.ts';
import type { Opening } from './fleetRecord.ts';
import type { SeriesName } from './measures.ts';
import type { Moment, Outage } from './outages.ts';
import type { Run } from './run.ts';
import { type Down, downsOf } from './scenario.ts';
import { type Spread, spreadOf, sum } from './spread.ts';
import type { Span } from './storeLedger.ts';

/** Microsoft's public price list for Table Storage, in USD per million calls. An input: put your region's price here. */
export const USD_PER_MILLION_CALLS = 0.036;
const SECONDS_A_MONTH = (365.25 / 12) * 86_400;

/** Tables to which an outage of deployments is written. */
const OUTAGE_TABLES = ['deployments', 'assignments', 'events'] as const;

export interface Figures {
  readonly scenario: string;
  readonly about: string;
  readonly seed: number;
  readonly instances: number;
  readonly deployments: number;
  readonly seconds: number;
  readonly requests: number;
  readonly errors: number;
  readonly errorsByCode: Readonly<Record<string, number>>;
  readonly failovers: number;
  readonly refusals: number;
  readonly mostAttempts: number;
  /** `null`: no deployment went down. */
  readonly outage: OutageFigures | null;
  readonly windows: WindowFigures;
  readonly healthy: HealthyFigures;
  readonly store: StoreFigures;
  /** `null`: nobody was asked for a key. */
  readonly accounts: AccountFigures | null;
  /** From the store's return until all instances agree with it, `null` where they never did; `null` if it was never away. */
  readonly convergence: { readonly afterPeriods: number | null } | null;
  readonly census: { readonly least: number; readonly most: number };
  /** The router's own faults. */
  readonly faults: readonly string[];
}

export interface OutageFigures {
  readonly deadDeployments: number;
  /** From the first failure of a deployment until an instance sends it nothing more, over all instances and deployments. */
  readonly leftAfterMs: Spread | null;
  /** The same from when the store knew; 0 for those who had found out themselves. */
  readonly leftAfterWordMs: Spread | null;
  /** Pairs of instance and deployment that never left. */
  readonly unnoticed: number;
  readonly deadAttempts: number;
  /** Sent later than one refresh period after the store knew, and no probes. */
  readonly lateAttempts: number;
  /** From the end of the outage until an instance takes a deployment back. */
  readonly backAfterMs: Spread | null;
  readonly stillAvoided: number;
  /** From the end of the outage until a deployment serves more than probes. */
  readonly servedAfterMs: Spread | null;
  /** Successful writes, for each dead deployment of each outage. */
  readonly writes: WriteFigures;
}

export interface WriteFigures {
  /** To the deployments' table, until every instance has left the deployment alone. */
  readonly toTell: number;
  /** To the deployments' table until the next outage or the end of the run: with all probes, and the recovery. */
  readonly inAll: number;
  /** The same with what else is written: agents that moved, events. */
  readonly everywhere: number;
}

export interface WindowFigures {
  /** Windows that were opened, and those of them on a deployment that was not down. */
  readonly opened: number;
  readonly openedWrongly: number;
  /** Those whose time came, and their probes. */
  readonly due: number;
  readonly leastProbes: number;
  readonly mostProbes: number;
  /** Probes of one deployment at the same time. */
  readonly atOnce: number;
  /** What it added to a request to ask whether it may probe. */
  readonly claimMs: Spread | null;
}

export interface HealthyFigures {
  /** Requests of one attempt, neither probes nor in strict order. */
  readonly plainRequests: number;
  readonly thatAwaitedStore: number;
  readonly longestAddedMs: number;
}

export interface StoreFigures {
  readonly callsPerInstanceSecond: { readonly healthy: number; readonly trouble: number };
  readonly usdPerMonth: { readonly healthy: number; readonly trouble: number };
  readonly peakPartition: { readonly name: string; readonly entities: number };
  readonly peakTables: TablePeaks;
  readonly peakAccount: number;
  readonly peakKilobytesPerSecond: number;
  readonly largestRowCharacters: number;
  readonly conflicts: number;
  readonly failed: number;
  /** How often an instance took the store for lost. */
  readonly losses: number;
}

export function figuresOf(run: Run): Figures {
  const { scenario, seed, measures, census, convergences } = run;
  const { name, about, instances, config, lastsMs } = scenario;
  const total = (series: SeriesName) => sum(measures.series[series]);
  const took = convergences.map(({ tookMs }) => tookMs);
  return {
    scenario: name,
    about,
    seed,
    instances,
    deployments: config.deployments.size,
    seconds: lastsMs / 1_000,
    requests: total('requests'),
    errors: total('errors'),
    errorsByCode: Object.fromEntries(measures.errors),
    failovers: total('failovers'),
    refusals: total('refusals'),
    mostAttempts: measures.mostAttempts,
    outage: outageFigures(run),
    windows: windowFigures(run),
    healthy: {
      plainRequests: measures.plainRequests,
      thatAwaitedStore: measures.plainThatWaited,
      longestAddedMs: round(measures.longestAddedMs),
    },
    store: storeFigures(run),
    accounts: accountFigures(run),
    convergence: took.length === 0 ? null : { afterPeriods: periods(took, config.breaker.refreshMs) },
    census: { least: Math.min(...census), most: Math.max(...census) },
    faults: measures.faults.map(String),
  };
}

function periods(tookMs: readonly (number | null)[], refreshMs: number): number | null {
  const longest = Math.max(...tookMs.map((ms) => ms ?? Infinity));
  return Number.isFinite(longest) ? round(longest / refreshMs) : null;
}

function outageFigures({ scenario, measures, outages, fleet, ledger }: Run): OutageFigures | null {
  if (outages.length === 0) return null;
  const dead = new Set(outages.flatMap(({ down }) => [...down.deployments]));
  return {
    deadDeployments: dead.size,
    leftAfterMs: spreadOf(outages.flatMap((one) => since(one.left, (id) => one.failedAt.get(id)))),
    leftAfterWordMs: spreadOf(outages.flatMap((one) => since(one.left, (id) => wordOf(fleet.openings, one, id)))),
    unnoticed: sum(outages.map(({ unnoticed }) => unnoticed)),
    deadAttempts: sum(measures.series.deadAttempts),
    lateAttempts: sum(measures.series.lateAttempts),
    backAfterMs: spreadOf(outages.flatMap((one) => since(one.back, () => one.down.toMs))),
    stillAvoided: sum(outages.map(({ stillAvoided }) => stillAvoided)),
    servedAfterMs: spreadOf(
      outages.flatMap(({ servedAt, down }) => [...servedAt.values()].map((at) => at - down.toMs)),
    ),
    writes: writeFigures(ledger, outages, scenario.lastsMs),
  };
}

function writeFigures(ledger: Run['ledger'], outages: readonly Outage[], lastsMs: number): WriteFigures {
  const deaths = sum(outages.map(({ down }) => down.deployments.size));
  const fromMs = Math.min(...outages.map(({ down }) => down.fromMs));
  const writes = (span: Span, table: Table) => ledger.sum('writes', span, { table });
  const toTell = outages.map(({ down, left }) => {
    const toMs = left.reduce((latest, { atMs }) => Math.max(latest, atMs), down.fromMs);
    return writes({ fromMs: down.fromMs, toMs }, 'deployments');
  });
  const always = { fromMs, toMs: lastsMs };
  return {
    toTell: round(sum(toTell) / deaths),
    inAll: round(writes(always, 'deployments') / deaths),
    everywhere: round(sum(OUTAGE_TABLES.map((table) => writes(always, table))) / deaths),
  };
}

/** How long after its instant each moment was; those without one are left out. */
function since(moments: readonly Moment[], instant: (id: Moment['deployment']) => number | undefined): number[] {
  return moments.flatMap(({ deployment, atMs }) => {
    const from = instant(deployment);
    return from === undefined ? [] : [Math.max(0, atMs - from)];
  });
}

/** When the store first knew of a deployment's outage. */
function wordOf(openings: readonly Opening[], { down }: Outage, id: Moment['deployment']): number | undefined {
  return openings.find(
    (one) => one.deployment === id && (one.endedAt ?? Infinity) > down.fromMs && one.openedAt < down.toMs,
  )?.openedAt;
}

/** So long after an outage a window may still be due to it: answers are on their way, and words. */
const AFTERMATH_MS = 5_000;

function isWrong({ since, openedAt, deployment }: Opening, downs: readonly Down[]): boolean {
  if (since !== openedAt) return false;
  return !downs.some(
    ({ deployments, fromMs, toMs }) =>
      deployments.has(deployment) && fromMs <= openedAt && openedAt < toMs + AFTERMATH_MS,
  );
}

function windowFigures({ scenario, fleet, measures }: Run): WindowFigures {
  const due = fleet.openings.filter(({ endedAt, claims }) => endedAt !== null && claims.size > 0);
  const counts = due.map(({ probes }) => probes);
  return {
    opened: fleet.openings.length,
    openedWrongly: fleet.openings.filter((one) => isWrong(one, downsOf(scenario))).length,
    due: due.length,
    leastProbes: counts.length === 0 ? 0 : Math.min(...counts),
    mostProbes: Math.max(0, ...counts),
    atOnce: measures.mostProbesAtOnce,
    claimMs: spreadOf(measures.claimsTookMs),
  };
}

function storeFigures(run: Run): StoreFigures {
  const { scenario, ledger, measures } = run;
  const { lastsMs } = scenario;
  const healthy = callRate(ledger.sum('calls', healthyOf(scenario)), healthyOf(scenario));
  const trouble = callRate(ledger.sum('calls', troubleOf(scenario)), troubleOf(scenario));
  const always = { fromMs: 0, toMs: lastsMs };
  const peaks = ledger
    .partitions()
    .map((name) => ({ name, entities: ledger.peak('entities', lastsMs, { partition: name }) }));
  return {
    callsPerInstanceSecond: {
      healthy: round(healthy / scenario.instances),
      trouble: round(trouble / scenario.instances),
    },
    usdPerMonth: { healthy: usdPerMonth(healthy), trouble: usdPerMonth(trouble) },
    peakPartition: peaks.reduce((most, one) => (one.entities > most.entities ? one : most), { name: '', entities: 0 }),
    peakTables: tablePeaks(run),
    peakAccount: ledger.peak('entities', lastsMs),
    // Texts travel as UTF-8, and nearly all that is written is ASCII.
    peakKilobytesPerSecond: Math.round(ledger.peak('characters', lastsMs) / 1_024),
    largestRowCharacters: Math.max(0, ...ledger.largest.values()),
    conflicts: ledger.sum('conflicts', always),
    failed: ledger.sum('failed', always),
    losses: measures.losses,
  };
}

export function healthyOf({ settledAtMs, faults, lastsMs }: Run['scenario']): Span {
  return { fromMs: settledAtMs, toMs: Math.min(lastsMs, ...faults.map(({ fromMs }) => fromMs)) };
}

export function troubleOf({ faults, lastsMs }: Run['scenario']): Span {
  const fromMs = Math.min(lastsMs, ...faults.map((fault) => fault.fromMs));
  return { fromMs, toMs: Math.max(fromMs, ...faults.map((fault) => fault.toMs)) };
}

function callRate(calls: number, { fromMs, toMs }: Span): number {
  return toMs > fromMs ? (calls / (toMs - fromMs)) * 1_000 : 0;
}

function usdPerMonth(callsPerSecond: number): number {
  return round((callsPerSecond * SECONDS_A_MONTH * USD_PER_MILLION_CALLS) / 1_000_000);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
