/** Names that must be defined elsewhere in the document. */
import { TIERS } from '../domain/config.ts';
import { closest, nearMiss } from '../domain/nearest.ts';
import type { Grid } from './endpoints.ts';
import type { Path, Report } from './faults.ts';
import { isDeploymentId } from './form/settings.ts';
import type { Draft } from './schema.ts';

/** What a caller's `model` means before it can be a pool. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([...TIERS, 'auto']);
const MOST_LISTED = 10;

export function checkDeployment(id: string, path: Path, grid: Grid, report: Report): void {
  if ((grid.deployments as ReadonlyMap<string, unknown>).has(id)) return;
  if (grid.unclear.has(id.slice(0, Math.max(0, id.indexOf('/'))))) return;
  const ids = [...grid.deployments.keys()];
  // No deployment at all: that has been told.
  if (ids.length === 0) return;
  const sameName = ids.find((known) => known.endsWith(`/${id}`));
  report.fault({
    path,
    problem: isDeploymentId(id) ? `There is no deployment "${id}".` : 'This is not the id of a deployment.',
    found: id,
    allowed: list(id, ids),
    suggestion: sameName ?? nearMiss(id, ids),
  });
}

function list(name: string, known: readonly string[]): string {
  const near = closest(name, known);
  return near.length <= MOST_LISTED
    ? near.join(', ')
    : `${near.slice(0, MOST_LISTED).join(', ')} and ${near.length - MOST_LISTED} more`;
}

/** Everything outside the pools that names a deployment, a pool, a tier or a plan. */
export function checkReferences(draft: Draft, grid: Grid, report: Report): void {
  for (const [agent, home] of Object.entries(draft.agents?.homes ?? {})) {
    if (home !== undefined) checkDeployment(home, ['agents', 'homes', agent], grid, report);
  }
  const defaultHome = draft.agents?.defaultHome;
  if (defaultHome !== undefined) checkDeployment(defaultHome, ['agents', 'defaultHome'], grid, report);
  if (draft.pools !== undefined) checkPoolNames(draft, Object.keys(draft.pools), report);
  checkTierNames(draft, report);
  checkPlanNames(draft, report);
}

function checkPoolNames(draft: Draft, pools: readonly string[], report: Report): void {
  if (draft.defaultPool !== undefined)
    checkName({ kind: 'pool', name: draft.defaultPool, path: ['defaultPool'] }, pools, report);
  for (const tier of TIERS) {
    const chain = draft.tiers?.[tier]?.chain ?? [];
    for (const [at, pool] of chain.entries()) {
      if (pool === undefined) continue;
      const path = ['tiers', tier, 'chain', at];
      if (chain.indexOf(pool) < at) {
        report.fault({
          path,
          problem: `The pool "${pool}" is in this chain already.`,
          found: pool,
          allowed: 'each pool once in a chain',
        });
      }
      checkName({ kind: 'pool', name: pool, path }, pools, report);
    }
  }
}

function checkTierNames(draft: Draft, report: Report): void {
  if ('tiers' in draft && draft.tiers === undefined) return;
  const tiers = Object.keys(draft.tiers ?? {});
  if (draft.defaultTier !== undefined)
    checkName({ kind: 'tier', name: draft.defaultTier, path: ['defaultTier'] }, tiers, report);
  for (const [name, plan] of Object.entries(draft.plans ?? {})) {
    for (const [at, tier] of (plan?.tiers ?? []).entries()) {
      if (tier !== undefined)
        checkName({ kind: 'tier', name: tier, path: ['plans', name, 'tiers', at] }, tiers, report);
    }
  }
}

function checkPlanNames(draft: Draft, report: Report): void {
  if ('plans' in draft && draft.plans === undefined) return;
  const plans = Object.keys(draft.plans ?? {});
  for (const [name, account] of Object.entries(draft.accounts ?? {})) {
    if (account?.plan === undefined) continue;
    checkName({ kind: 'plan', name: account.plan, path: ['accounts', name, 'plan'] }, plans, report);
  }
}

interface Naming {
  readonly kind: 'pool' | 'tier' | 'plan';
  readonly name: string;
  readonly path: Path;
}

function checkName({ kind, name, path }: Naming, known: readonly string[], report: Report): void {
  if (known.includes(name)) return;
  report.fault({
    path,
    problem: `There is no ${kind} "${name}" in this configuration.`,
    found: name,
    allowed: known.length === 0 ? `a ${kind} defined under "${kind}s", of which there is none` : list(name, known),
    suggestion: nearMiss(name, known),
  });
}
