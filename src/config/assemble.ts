/** A checked document -> the values the rest of the router trusts. */
import {
  type Account,
  type Breaker,
  type Entra,
  type Plan,
  type Pool,
  type Quota,
  type RouterConfig,
  TIERS,
  type Tier,
} from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import type { FailoverOutcome } from '../domain/outcome.ts';
import type { Grid } from './endpoints.ts';
import { preferredRegion } from './region.ts';
import type { Draft, RouterDocument } from './schema.ts';

export interface Surroundings {
  readonly grid: Grid;
  /** The region the router runs in. */
  readonly region: string | null;
}

/** `draft` is the same document before its defaults were filled in: it tells what was written from what was not. */
export function assemble(document: RouterDocument, draft: Draft, { grid, region }: Surroundings): RouterConfig {
  const { agents } = document;
  const pools = mapValues(document.pools ?? {}, (name, pool) => toPool(name, pool, region));
  const tiers = toTiers(document);
  return {
    endpoints: grid.endpoints,
    deployments: grid.deployments,
    pools,
    defaultPool: document.defaultPool ?? (pools.keys().next().value as string),
    agents: {
      homes: mapValues(agents.homes, (_, home) => home as DeploymentId),
      defaultHome: (agents.defaultHome ?? null) as DeploymentId | null,
      failureThreshold: agents.failureThreshold,
      failureWindowMs: agents.failureWindowMs,
    },
    tiers,
    defaultTier: document.defaultTier ?? null,
    plans: mapValues(
      document.plans,
      (name, plan): Plan => ({ ...plan, name, tiers: plan.tiers ?? [...tiers.keys()], quota: toQuota(plan.quota) }),
    ),
    accounts: mapValues(
      document.accounts,
      (name, account): Account => ({ name, plan: account.plan ?? null, quota: toQuota(account.quota) }),
    ),
    breaker: toBreaker(document.breaker, draft),
    timeouts: document.timeouts,
    retries: document.retries,
    cache: document.cache,
    limits: document.limits,
    auth: { ...document.auth, entra: document.auth.entra === undefined ? null : toEntra(document.auth.entra) },
    quotas: document.quotas,
    usage: document.usage,
    telemetry: { ...document.telemetry, requestLog: document.telemetry.requestLog ?? null },
  };
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  convert: (name: string, value: From) => To,
): Map<string, To> {
  return new Map(Object.entries(record).map(([name, value]) => [name, convert(name, value)]));
}

function toPool(name: string, pool: NonNullable<RouterDocument['pools']>[string], ownRegion: string | null): Pool {
  const weighted = pool.strategy === 'weighted';
  return {
    name,
    strategy: pool.strategy,
    members: pool.members.map((member) => {
      const { deployment, weight } = typeof member === 'string' ? { deployment: member, weight: 1 } : member;
      return { deployment: deployment as DeploymentId, weight: weighted ? weight : 1 };
    }),
    failoverOn: new Set<FailoverOutcome>(pool.failoverOn === 'availability' ? ['failing'] : pool.failoverOn),
    block: pool.block,
    preferRegion: preferredRegion(pool.preferRegion, ownRegion),
    cache: pool.cache,
  };
}

function toTiers(document: RouterDocument): Map<Tier, readonly string[]> {
  const tiers = new Map<Tier, readonly string[]>();
  for (const tier of TIERS) {
    const chain = document.tiers[tier]?.chain;
    if (chain !== undefined) tiers.set(tier, chain);
  }
  return tiers;
}

function toQuota(quota: RouterDocument['accounts'][string]['quota']): Quota {
  return {
    requestsPerMinute: quota.requestsPerMinute ?? null,
    tokensPerMinute: quota.tokensPerMinute ?? null,
    tokensPerDay: quota.tokensPerDay ?? null,
    tokensPerMonth: quota.tokensPerMonth ?? null,
    usdPerDay: quota.usdPerDay ?? null,
    usdPerMonth: quota.usdPerMonth ?? null,
  };
}

const SIGN_IN = 'https://login.microsoftonline.com';

function toEntra(entra: NonNullable<RouterDocument['auth']['entra']>): Entra {
  const { tenantId, audience, callerRole, adminRole } = entra;
  return {
    issuers: entra.issuers ?? [`${SIGN_IN}/${tenantId}/v2.0`, `https://sts.windows.net/${tenantId}/`],
    audiences: typeof audience === 'string' ? bothForms(audience) : audience,
    keysUrl: entra.keysUrl ?? `${SIGN_IN}/${tenantId}/discovery/v2.0/keys`,
    callerRole,
    adminRole,
    accounts: mapValues(entra.accounts, (_, account) => account),
  };
}

/** Tokens of the first version name the application by its URI, those of the second by its id. */
function bothForms(audience: string): string[] {
  const id = audience.replace(/^api:\/\//, '');
  return [id, `api://${id}`];
}

/** What was written holds: a default never makes a value its owner did write a fault. */
function toBreaker(breaker: Breaker, { breaker: written }: Draft): Breaker {
  if (breaker.openMs <= breaker.maxOpenMs) return breaker;
  return written?.openMs === undefined
    ? { ...breaker, openMs: breaker.maxOpenMs }
    : { ...breaker, maxOpenMs: breaker.openMs };
}
