/** What a configuration means, in words: what its owner meant can be held against it. */
import type { Account, Plan, Pool, Quota, RouterConfig } from '../../domain/config.ts';
import type { Deployment, Endpoint } from '../../domain/deployment.ts';
import { quotaWords } from '../figures.ts';
import { exactSpan } from '../instants.ts';
import { differences } from './differences.ts';

export interface Section {
  readonly title: string;
  /** A name and what is said of it. */
  readonly rows: readonly (readonly [string, string])[];
}

export function sectionsOf(config: RouterConfig): Section[] {
  const sections = [
    { title: 'Endpoints', rows: [...config.endpoints.values()].flatMap((one) => endpointRows(one, config)) },
    { title: 'Pools', rows: [...config.pools.values()].map((pool) => poolRow(pool, config)) },
    { title: 'Agents', rows: agentRows(config) },
    { title: 'Tiers', rows: tierRows(config) },
    { title: 'Plans', rows: [...config.plans.values()].map(planRow) },
    { title: 'Accounts', rows: [...config.accounts.values()].map((account) => accountRow(account, config)) },
    { title: 'Entra ID', rows: entraRows(config) },
    { title: 'Other than the defaults', rows: differences(config) },
  ];
  return sections.filter(({ rows }) => rows.length > 0);
}

function endpointRows(endpoint: Endpoint, config: RouterConfig): [string, string][] {
  const deployments = [...config.deployments.values()].filter((one) => one.endpoint === endpoint.name);
  const region = endpoint.region ?? 'region not said';
  return [
    [endpoint.name, `${endpoint.origin}${endpoint.basePath}, ${region}`],
    ['', `entered with ${credentialWords(endpoint)}; spoken to ${dialectWords(endpoint)}`],
    [
      '',
      deployments.length === 0 ? 'without deployments' : `deployments ${deployments.map(deploymentWords).join(', ')}`,
    ],
  ];
}

function credentialWords({ credential }: Endpoint): string {
  if (credential.kind === 'apiKey') return 'an API key';
  return credential.clientId === null ? 'the managed identity' : `the managed identity ${credential.clientId}`;
}

function dialectWords({ dialect }: Endpoint): string {
  switch (dialect.kind) {
    case 'v1':
      return 'at /openai/v1';
    case 'dated':
      return `by api-version ${dialect.apiVersion}`;
    case 'openai':
      return "as OpenAI's own";
    default:
      return dialect satisfies never;
  }
}

function deploymentWords({ name, model, kind, price }: Deployment): string {
  const facts = [
    model === null ? 'model not said' : model === name ? null : `model ${model}`,
    kind === 'ptu' ? 'PTU' : null,
    price === null ? null : `$${price.input} in, $${price.output} out a million tokens`,
  ].filter((fact) => fact !== null);
  return facts.length === 0 ? name : `${name} (${facts.join(', ')})`;
}

function poolRow(pool: Pool, { defaultPool }: RouterConfig): [string, string] {
  const failover =
    pool.failoverOn.size === 0 ? 'never fails over' : `fails over when ${[...pool.failoverOn].join(', ')}`;
  const region = pool.preferRegion === null ? '' : `; ${pool.preferRegion} comes first`;
  const cached = pool.cache ? '; answers are cached' : '';
  const name = pool.name === defaultPool ? `${pool.name} (default)` : pool.name;
  return [name, `${strategyWords(pool)}; ${failover}${region}${cached}`];
}

function strategyWords({ strategy, members, block }: Pool): string {
  const ids = members.map(({ deployment }) => deployment);
  const all = ids.join(', ');
  if (ids.length === 1) return `${all} alone`;
  switch (strategy) {
    case 'priority':
      return `${ids.join(', then ')}`;
    case 'roundRobin':
      return `in turn ${all}, ${block === 1 ? 'in strict order' : `${block} turns taken at once`}`;
    case 'weighted':
      return `by weight ${members.map(({ deployment, weight }) => `${deployment} ${weight}`).join(', ')}`;
    case 'spread':
      return `each agent or prompt_cache_key on one of ${all}`;
    case 'leastLatency':
      return `the fastest of ${all}`;
    case 'mostHeadroom':
      return `the one with most left of ${all}`;
    default:
      return strategy satisfies never;
  }
}

function agentRows({ agents }: RouterConfig): [string, string][] {
  const { homes, defaultHome, failureThreshold, failureWindowMs } = agents;
  const places = [...homes].map(([agent, home]): [string, string] => [agent, `at home on ${home}`]);
  if (defaultHome !== null) places.push(['all others', `at home on ${defaultHome}`]);
  if (places.length === 0) return [];
  const failures = failureThreshold === 1 ? 'one failure' : `${failureThreshold} failures`;
  return [
    ...places,
    [
      'moving',
      `after ${failures} within ${exactSpan(failureWindowMs)}, back as soon after that long as the home serves`,
    ],
  ];
}

function tierRows({ tiers, defaultTier }: RouterConfig): [string, string][] {
  return [...tiers].map(([tier, chain]) => [
    tier === defaultTier ? `${tier} (default)` : tier,
    `pool ${chain.join(', then ')}`,
  ]);
}

function planRow({ name, tiers, onHigherTier, downgradeWhenUnavailable, quota }: Plan): [string, string] {
  const may = tiers.length === 0 ? 'no tier' : tiers.join(', ');
  const higher = onHigherTier === 'downgrade' ? 'a higher one is lowered' : 'a higher one is refused';
  const out = downgradeWhenUnavailable ? '; lowered as well where a tier is out' : '';
  return [name, `${may}, ${higher}${out}; ${limitWords(quota)}`];
}

function accountRow({ name, plan, quota }: Account, { plans }: RouterConfig): [string, string] {
  const base = plan === null ? 'no plan, anything is permitted' : `plan ${plan}`;
  const hasOwn = Object.values(quota).some((limit) => limit !== null);
  const fallback = plan === null ? undefined : plans.get(plan)?.quota;
  const held = Object.fromEntries(
    Object.entries(quota).map(([key, limit]) => [key, limit ?? fallback?.[key as keyof Quota] ?? null]),
  );
  const whose = hasOwn || fallback === undefined ? '' : " (the plan's)";
  return [name, `${base}; ${limitWords(held)}${whose}`];
}

function limitWords(quota: Readonly<Record<string, number | null>> | Quota): string {
  const limits = Object.entries(quota).flatMap(([name, limit]) =>
    typeof limit === 'number' ? [quotaWords(name, limit)] : [],
  );
  return limits.length === 0 ? 'no limit' : `at most ${limits.join(', ')}`;
}

function entraRows({ auth: { entra } }: RouterConfig): [string, string][] {
  if (entra === null) return [];
  return [
    ['tokens', `of ${entra.issuers.join(', ')} for ${entra.audiences.join(', ')}`],
    ['roles', `${entra.callerRole} for callers, ${entra.adminRole} for operators`],
    ...[...entra.accounts].map(([id, account]): [string, string] => [id, `account ${account}`]),
  ];
}
