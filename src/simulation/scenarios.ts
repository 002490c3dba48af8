/** The scenarios that ship. Breaker, retries and refresh period are the router's defaults in all of them. */
import type { Latency } from './chance.ts';
import { USED } from './deployments.ts';
import type { Down, Scenario } from './scenario.ts';
import { build, deploymentsIn, type Model, type Topology } from './topology.ts';

const REGIONS = ['eastus2', 'westeurope'] as const;
/** Noon, and amid a census. */
const STARTED_AT = Date.UTC(2026, 0, 5, 12, 3);

const ANSWERS: Latency = { medianMs: 800, spread: 0.5 };
/** Point reads and writes within a region. */
const NEAR: Latency = { medianMs: 5, spread: 0.4, tail: { share: 0.005, ms: 60 } };
const CRAWLING: Latency = { medianMs: 250, spread: 0.6, tail: { share: 0.1, ms: 1_000 } };
/** The service's published targets: so many entities of 1 KiB each second. */
export const PARTITION_TARGET = 2_000;
export const ACCOUNT_TARGET = 20_000;

/** Of each strategy one. */
const MODELS: readonly Model[] = [
  { name: 'gpt-4.1', strategy: 'priority' },
  { name: 'gpt-4.1-mini', strategy: 'spread' },
  { name: 'gpt-4.1-nano', strategy: 'roundRobin', block: 16 },
  { name: 'gpt-4o', strategy: 'weighted' },
  { name: 'gpt-4o-mini', strategy: 'leastLatency' },
];

const ORDINARY = {
  accounts: null,
  startsWithinMs: 5_000,
  settledAtMs: 10_000,
  startedAt: STARTED_AT,
  clockErrorMs: 50,
  answers: ANSWERS,
  store: { latency: NEAR, entitiesPerSecond: PARTITION_TARGET },
};

type Part = Pick<Scenario, 'name' | 'about' | 'instances' | 'requestsPerSecond' | 'lastsMs'> &
  Partial<Pick<Scenario, 'startsWithinMs' | 'settledAtMs'>>;

function scenario(
  part: Part,
  topology: Partial<Topology>,
  faultsFor: (built: Scenario) => Scenario['faults'],
): Scenario {
  const built = build({ regions: REGIONS, endpointsPerRegion: 2, models: MODELS, agents: 50, ...topology });
  const whole = { ...ORDINARY, ...part, ...built, faults: [] };
  return { ...whole, faults: faultsFor(whole) };
}

function regionDown({ config }: Scenario, how: Down['how'], fromMs: number, toMs: number): Down {
  return { kind: 'down', how, fromMs, toMs, deployments: deploymentsIn(config, REGIONS[0]) };
}

function three(): Scenario {
  const part = {
    name: 'three',
    about: 'connections to one of two regions time out for 50 s',
    instances: 3,
    requestsPerSecond: 10,
    lastsMs: 150_000,
  };
  const models: readonly Model[] = [...MODELS, { name: 'o4-mini', strategy: 'roundRobin', block: 1 }];
  return scenario(part, { models, agents: 60 }, (built) => [regionDown(built, 'silent', 20_000, 70_000)]);
}

function hundred(): Scenario {
  const part = {
    name: 'hundred',
    about: 'one of two regions answers 503 for 45 s',
    instances: 100,
    requestsPerSecond: 4,
    lastsMs: 125_000,
  };
  return scenario(part, { endpointsPerRegion: 4, agents: 100 }, (built) => [regionDown(built, '503', 20_000, 65_000)]);
}

function thousand(): Scenario {
  const part = {
    name: 'thousand',
    about: 'one of two regions answers 503 for 45 s',
    instances: 1_000,
    requestsPerSecond: 3,
    lastsMs: 125_000,
  };
  const models = [...MODELS, ...MODELS.map((model) => ({ ...model, name: `${model.name}-batch` }))];
  return scenario(part, { endpointsPerRegion: 10, models, agents: 200 }, (built) => [
    regionDown(built, '503', 20_000, 65_000),
  ]);
}

const NAMES = Array.from({ length: 20 }, (_, index) => `account-${index + 1}`);
const CAPPED = 'account-1';
const TOKENS = USED.total_tokens;

/** Everybody has keys and limits; keys are changed now and then, and one account uses up what it has. */
function accounts(name: string, instances: number, requestsPerSecond: number): Scenario {
  const part = {
    name,
    about: 'accounts with limits: keys are changed six times, and the day of one account is used up',
    instances,
    requestsPerSecond,
    startsWithinMs: 20_000,
    settledAtMs: 25_000,
    lastsMs: 110_000,
  };
  const perMinute = (instances * requestsPerSecond * 60) / NAMES.length;
  // What the one has for the day it uses in 55 s; the others use less than half of what they have.
  const day = { tokensPerDay: Math.round((perMinute * TOKENS * 55) / 60) };
  const ample = {
    requestsPerMinute: perMinute * 3,
    tokensPerMinute: perMinute * TOKENS * 3,
    tokensPerMonth: perMinute * TOKENS * 10_000,
  };
  const quotas = Object.fromEntries(NAMES.map((one) => [one, { quota: one === CAPPED ? day : ample }]));
  const changesAtMs = [40_000, 50_000, 50_200, 60_000, 70_000, 70_010];
  const built = scenario(part, { agents: 200, accounts: quotas }, () => []);
  return { ...built, accounts: { names: NAMES, keys: 200, changesAtMs, capped: CAPPED } };
}

function throttling(): Scenario {
  const part = {
    name: 'throttling',
    about: 'one of two regions serves a third of its share for 60 s, and says 429 with Retry-After to the rest',
    instances: 30,
    requestsPerSecond: 4,
    lastsMs: 100_000,
  };
  return scenario(part, {}, ({ config }) => [
    {
      kind: 'limited',
      fromMs: 20_000,
      toMs: 80_000,
      deployments: deploymentsIn(config, REGIONS[0]),
      requestsPerMinute: 120,
    },
  ]);
}

function flapping(): Scenario {
  const part = {
    name: 'flapping',
    about: 'one of two regions refuses connections for 4 s out of 20, six times',
    instances: 20,
    requestsPerSecond: 5,
    lastsMs: 180_000,
  };
  return scenario(part, {}, (built) =>
    Array.from({ length: 6 }, (_, time) =>
      regionDown(built, 'refused', 20_000 * (time + 1), 20_000 * (time + 1) + 4_000),
    ),
  );
}

function partialErrors(): Scenario {
  const part = {
    name: 'partial-errors',
    about: 'every deployment answers 500 to one request in ten, for 60 s: no reason to open a breaker',
    instances: 50,
    requestsPerSecond: 4,
    lastsMs: 100_000,
  };
  return scenario(part, {}, ({ config }) => [
    { kind: 'erring', fromMs: 20_000, toMs: 80_000, deployments: new Set(config.deployments.keys()), share: 0.1 },
  ]);
}

function slowStore(): Scenario {
  const part = {
    name: 'slow-store',
    about: 'the store takes 250 ms and now and then seconds, and amid that a region answers 503 for 45 s',
    instances: 50,
    requestsPerSecond: 4,
    lastsMs: 140_000,
  };
  return scenario(part, {}, (built) => [
    { kind: 'storeSlow', fromMs: 20_000, toMs: 110_000, latency: CRAWLING },
    regionDown(built, '503', 30_000, 75_000),
  ]);
}

function storeOutage(): Scenario {
  const part = {
    name: 'store-outage',
    about: 'the store is silent for 50 s, and amid that a region begins to answer 503, for 60 s',
    instances: 50,
    requestsPerSecond: 4,
    lastsMs: 140_000,
  };
  return scenario(part, {}, (built) => [
    { kind: 'storeGone', fromMs: 20_000, toMs: 70_000 },
    regionDown(built, '503', 30_000, 90_000),
  ]);
}

export const SCENARIOS = {
  three,
  hundred,
  accounts: () => accounts('accounts', 30, 4),
  'accounts-hundred': () => accounts('accounts-hundred', 100, 4),
  throttling,
  flapping,
  'partial-errors': partialErrors,
  'slow-store': slowStore,
  'store-outage': storeOutage,
  thousand,
} as const satisfies Readonly<Record<string, () => Scenario>>;

export type ScenarioName = keyof typeof SCENARIOS;

/** What runs when nothing is asked for: all but the one that takes a minute. */
export const QUICK: readonly ScenarioName[] = [
  'three',
  'hundred',
  'accounts',
  'throttling',
  'flapping',
  'partial-errors',
  'slow-store',
  'store-outage',
];
