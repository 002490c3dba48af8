/**
 * What the router itself costs in Azure, beside the tokens: `node scripts/costs.ts` prints the table of docs/deploy.md, which a test
 * holds to this file. Prices and assumptions are data; change them and run `npm run generate`.
 */

/** USD, pay as you go, a usual region. From Microsoft’s public price pages as known on 2026-11-21; not fetched since. */
export const PRICES = {
  /** Flex Consumption, on demand, per GB-second; so much a month is free. */
  activeGbSecond: 0.000026,
  freeGbSeconds: 100_000,
  /** A million executions; so many a month are free. */
  millionExecutions: 0.4,
  freeExecutions: 250_000,
  /** Always ready: for being there, and for working; nothing of it is free. */
  baselineGbSecond: 0.000004,
  alwaysReadyGbSecond: 0.000016,
  /** A million calls of Table Storage. */
  millionTableCalls: 0.036,
  /** A gigabyte that Log Analytics takes in; so many a month are free. */
  telemetryGb: 2.3,
  freeTelemetryGb: 5,
  /** A rule over logs, a month, by how often it is asked. */
  alertEvery5Minutes: 1.5,
  alertEvery15Minutes: 0.5,
  privateEndpointHour: 0.01,
  dnsZoneMonth: 0.5,
} as const;

export const ASSUMED = {
  monthSeconds: 730 * 3600,
  memoryGb: 2,
  /** From a request’s arrival to the end of its answer. */
  requestSeconds: 8,
  /** Requests that an instance serves at once on average, of the 32 that it may. */
  meanConcurrency: 20,
  /** Calls of the store by an instance that is there (docs/simulation.md), with what its ledger and quotas add. */
  tableCallsPerSecond: 3.5,
  /** Metrics of an instance, a month: 60 series, each minute, half a KB each. */
  telemetryGbPerInstance: (60 * 730 * 60 * 0.5) / 1024 ** 2,
  /** The shortest time that is billed. */
  leastSeconds: 1,
  /** `resetFailureWindows`, each minute. */
  timerRuns: 730 * 60,
  alertsEvery5Minutes: 2,
  alertsEvery15Minutes: 7,
} as const;

export interface Usage {
  readonly requests: number;
  readonly alwaysReady: number;
  readonly isPrivate: boolean;
}

export interface Cost {
  readonly instances: number;
  readonly compute: number;
  readonly executions: number;
  readonly store: number;
  readonly telemetry: number;
  readonly alerts: number;
  readonly network: number;
  readonly total: number;
}

export function costOf({ requests, alwaysReady, isPrivate }: Usage): Cost {
  const { monthSeconds, memoryGb, requestSeconds, meanConcurrency, timerRuns, leastSeconds } = ASSUMED;
  const atOnce = (requests * requestSeconds) / monthSeconds;
  // Requests that come at random: some second of the month finds none of them. Beyond one instance’s fill, as many as it takes.
  const busyInstances = Math.max(1 - Math.exp(-atOnce), atOnce / meanConcurrency);
  const ready = Math.min(busyInstances, alwaysReady);
  const onDemand = (busyInstances - ready) * monthSeconds * memoryGb + timerRuns * leastSeconds * memoryGb;
  const compute =
    beyond(onDemand, PRICES.freeGbSeconds) * PRICES.activeGbSecond +
    monthSeconds * memoryGb * (alwaysReady * PRICES.baselineGbSecond + ready * PRICES.alwaysReadyGbSecond);
  const executions = (beyond(requests + timerRuns, PRICES.freeExecutions) / 1e6) * PRICES.millionExecutions;
  // The timer has an instance of its own, which is there all month and looks after the store as any other does.
  const present = 1 + Math.max(busyInstances, alwaysReady);
  const store = ((present * ASSUMED.tableCallsPerSecond * monthSeconds) / 1e6) * PRICES.millionTableCalls;
  const telemetry = beyond(present * ASSUMED.telemetryGbPerInstance, PRICES.freeTelemetryGb) * PRICES.telemetryGb;
  const alerts =
    ASSUMED.alertsEvery5Minutes * PRICES.alertEvery5Minutes + ASSUMED.alertsEvery15Minutes * PRICES.alertEvery15Minutes;
  // Blobs, tables, the vault and two accounts; a zone for each kind.
  const network = isPrivate ? 5 * 730 * PRICES.privateEndpointHour + 5 * PRICES.dnsZoneMonth : 0;
  const total = compute + executions + store + telemetry + alerts + network;
  return { instances: busyInstances, compute, executions, store, telemetry, alerts, network, total };
}

function beyond(amount: number, free: number): number {
  return Math.max(0, amount - free);
}

const CASES: readonly (readonly [string, Usage])[] = [
  ['nobody calls', { requests: 0, alwaysReady: 0, isPrivate: false }],
  ['1 million requests', { requests: 1e6, alwaysReady: 0, isPrivate: false }],
  ['the same, one instance always ready', { requests: 1e6, alwaysReady: 1, isPrivate: false }],
  ['the same, in a private network too', { requests: 1e6, alwaysReady: 1, isPrivate: true }],
  ['100 million requests', { requests: 1e8, alwaysReady: 0, isPrivate: false }],
  ['the same, 16 instances always ready', { requests: 1e8, alwaysReady: 16, isPrivate: false }],
];

export function costTable(): string {
  const rows = CASES.map(([name, usage]) => {
    const { instances, compute, executions, store, telemetry, alerts, network, total } = costOf(usage);
    const cells = [compute, executions, store, telemetry, alerts, network, total].map(usd);
    return `| ${name} | ${instances.toFixed(2)} | ${cells.join(' | ')} |`;
  });
  return [
    '| USD a month | busy instances | compute | executions | store | telemetry | alerts | network | in all |',
    '| --- | --: | --: | --: | --: | --: | --: | --: | --: |',
    ...rows,
  ].join('\n');
}

function usd(amount: number): string {
  return amount >= 100 ? amount.toFixed(0) : amount.toFixed(2);
}

if (import.meta.main) console.log(costTable());
