/** Which region a pool prefers: the router's own, or one that is named. */
import { nearMiss } from '../domain/nearest.ts';
import { shortRegion } from '../domain/region.ts';
import type { Grid } from './endpoints.ts';
import type { Environment, Path, Report } from './faults.ts';
import type { Draft } from './schema.ts';

/** Where this router runs: as its owner says, else as Azure tells its apps. */
export function ownRegion(env: Environment): string | null {
  const named = [env['ROUTER_REGION'], env['REGION_NAME']].map((value) => shortRegion(value ?? ''));
  return named.find((region) => region !== '') ?? null;
}

export function preferredRegion(preferRegion: boolean | string | undefined, own: string | null): string | null {
  if (typeof preferRegion === 'string') return shortRegion(preferRegion);
  return preferRegion === true ? own : null;
}

export interface RegionFacts {
  readonly own: string | null;
  readonly grid: Grid;
}

export function checkRegions(draft: Draft, { own, grid }: RegionFacts, report: Report): void {
  const regions = [...grid.endpoints.values()].flatMap(({ region }) => region ?? []);
  // What an endpoint with a fault of its own says of its region nobody has read.
  const complete = Object.keys(draft.endpoints ?? {}).length === grid.endpoints.size;
  const there = complete ? new Set(regions.map(shortRegion)) : null;
  for (const [name, pool] of Object.entries(draft.pools ?? {})) {
    const path = ['pools', name, 'preferRegion'];
    if (pool?.preferRegion === true) checkOwn(own, there, path, report);
    const wanted = typeof pool?.preferRegion === 'string' ? shortRegion(pool.preferRegion) : null;
    if (wanted === null || there === null || there.has(wanted)) continue;
    report.fault({
      path,
      problem: `No endpoint is in the region "${wanted}".`,
      found: pool?.preferRegion,
      allowed:
        regions.length === 0 ? 'true, once endpoints say their "region"' : `true, ${[...new Set(regions)].join(', ')}`,
      suggestion: nearMiss(wanted, regions),
    });
  }
}

/** The same document runs in several regions: what it cannot have in one of them is no fault. */
function checkOwn(own: string | null, there: ReadonlySet<string> | null, path: Path, report: Report): void {
  const setting = report.nameOf(path);
  if (own === null)
    report.note(`${setting} has no effect: neither ROUTER_REGION nor REGION_NAME says where the router runs.`);
  else if (there?.has(own) === false)
    report.note(`${setting} has no effect: no endpoint is in the router's own region, ${own}.`);
}
