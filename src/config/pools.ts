/** Pools: the ones that follow from `models` or from the deployments themselves, and what every pool must hold to. */
import { TIERS } from '../domain/config.ts';
import { nearMiss } from '../domain/nearest.ts';
import type { Grid } from './endpoints.ts';
import type { Path, Report } from './faults.ts';
import { checkDeployment, RESERVED_NAMES } from './references.ts';
import type { Draft } from './schema.ts';

type PoolDrafts = NonNullable<Draft['pools']>;
type PoolDraft = NonNullable<PoolDrafts[string]>;

export function completePools(draft: Draft, grid: Grid, report: Report): Draft {
  const withModels = addModels(draft, grid, report);
  if ('pools' in withModels && (withModels.pools === undefined || Object.keys(withModels.pools).length > 0))
    return withModels;
  return { ...withModels, pools: poolsByDeploymentName(grid, report) };
}

function addModels(draft: Draft, grid: Grid, report: Report): Draft {
  if (draft.models === undefined || ('pools' in draft && draft.pools === undefined)) return draft;
  const pools: Record<string, PoolDraft | undefined> = { ...draft.pools };
  for (const [model, deployment] of Object.entries(draft.models)) {
    if (model === draft.deployment_name && deployment === model) continue;
    if (Object.hasOwn(pools, model)) {
      reportSecondPool(model, draft, report);
      continue;
    }
    report.writtenAt(['pools', model], `models.${model}`);
    // Another name for what `deployment_name` says: its backups serve it too, whatever their deployments are called.
    const sameAsPrimary = deployment !== undefined && deployment === draft.deployment_name;
    pools[model] = sameAsPrimary ? draft.pools?.[deployment] : poolOfModel(model, deployment, grid, report);
  }
  return { ...draft, pools };
}

function reportSecondPool(model: string, draft: Draft, report: Report): void {
  const other = model === draft.deployment_name ? '"deployment_name"' : '"pools"';
  report.fault({
    path: ['models', model],
    problem: `"models" and ${other} both say what the name "${model}" stands for.`,
    found: draft.models?.[model],
    allowed: 'each name in one of the two',
  });
}

function poolOfModel(model: string, deployment: string | undefined, grid: Grid, report: Report): PoolDraft | undefined {
  if (deployment === undefined) return undefined;
  const members = [...grid.deployments.values()].filter((known) => known.name === deployment).map((known) => known.id);
  if (members.length > 0) return { members };
  // What went wrong with the endpoints has been told; this may only follow from it.
  if (grid.unclear.size > 0 || grid.deployments.size === 0) return undefined;
  const names = [...new Set(Array.from(grid.deployments.values(), (known) => known.name))];
  report.fault({
    path: ['models', model],
    problem: `No endpoint has a deployment "${deployment}".`,
    found: deployment,
    allowed: names.join(', '),
    suggestion: nearMiss(deployment, names),
  });
  return undefined;
}

function poolsByDeploymentName(grid: Grid, report: Report): PoolDrafts | undefined {
  const pools = new Map<string, string[]>();
  for (const { id, name } of grid.deployments.values()) {
    if (RESERVED_NAMES.has(name)) {
      report.note(
        `No pool is made for the deployment "${name}", as that name has another meaning; callers name it as "${id}".`,
      );
    } else {
      pools.set(name, [...(pools.get(name) ?? []), id]);
    }
  }
  // With faults among the endpoints, what their pools would be called cannot be told.
  if (grid.unclear.size > 0) return undefined;
  if (pools.size === 0) {
    if (grid.deployments.size === 0) return undefined;
    report.fault({
      path: ['pools'],
      problem: "There is no pool, and no deployment with a name that could be a pool's.",
      allowed: 'at least one pool with a name of its own',
    });
  }
  return Object.fromEntries([...pools].map(([name, members]) => [name, { members }]));
}

export function checkPools(draft: Draft, grid: Grid, report: Report): void {
  for (const [name, pool] of Object.entries(draft.pools ?? {})) {
    const path = ['pools', name];
    if (RESERVED_NAMES.has(name)) reportReserved(name, path, report);
    if (pool === undefined) continue;
    const members = (pool.members ?? []).map((member) =>
      typeof member === 'string' ? { deployment: member } : member,
    );
    checkMembers(members, path, grid, report);
    checkWeights(pool, members, path, report);
    if (pool.block !== undefined && pool.strategy !== 'roundRobin') {
      report.note(`${report.nameOf([...path, 'block'])} has no effect: only the strategy "roundRobin" takes turns.`);
    }
  }
}

function reportReserved(name: string, path: Path, report: Report): void {
  const meaning = name === 'auto' ? "the agent's home or the default pool" : 'a tier';
  report.fault({
    path,
    problem: `A pool named "${name}" could never be reached, because that name means ${meaning}.`,
    found: name,
    allowed: `any name but ${['auto', ...TIERS].join(', ')}`,
  });
}

interface Member {
  readonly deployment?: string | undefined;
  readonly weight?: number | undefined;
}

function checkMembers(members: readonly (Member | undefined)[], pool: Path, grid: Grid, report: Report): void {
  const seen = new Set<string>();
  for (const [at, member] of members.entries()) {
    const deployment = member?.deployment;
    if (deployment === undefined) continue;
    const path = [...pool, 'members', at];
    if (seen.has(deployment)) {
      report.fault({
        path,
        problem: `The deployment "${deployment}" is in this pool already.`,
        found: deployment,
        allowed: 'each deployment once in a pool; "weight" gives it more traffic',
      });
    }
    seen.add(deployment);
    checkDeployment(deployment, path, grid, report);
  }
}

function checkWeights(pool: PoolDraft, members: readonly (Member | undefined)[], path: Path, report: Report): void {
  if (pool.strategy === 'weighted') {
    if (members.length > 0 && members.every((member) => member?.weight === 0)) {
      report.fault({
        path: [...path, 'members'],
        problem: 'All weights are 0, so no deployment would get anything.',
        found: pool.members,
        allowed: 'at least one weight above 0',
      });
    }
  } else if (members.some((member) => member?.weight !== undefined && member.weight !== 1)) {
    report.note(
      `The weights in ${report.nameOf([...path, 'members'])} have no effect: only the strategy "weighted" uses them.`,
    );
  }
}
