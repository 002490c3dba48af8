/** Which endpoint inherits from which, and the value of a setting that this comes to. */
import { closest, nearMiss } from '../domain/nearest.ts';
import type { Path, Report } from './faults.ts';
import type { Draft } from './schema.ts';

export type EndpointDraft = NonNullable<NonNullable<Draft['endpoints']>[string]>;
export type EndpointDrafts = ReadonlyMap<string, EndpointDraft | undefined>;

export interface Link {
  readonly name: string;
  readonly own: EndpointDraft;
}

export interface Lineage {
  /** The endpoint itself and those it inherits from, nearest first. */
  readonly links: readonly Link[];
  /** `false` where a fault cuts the chain: what is missing may have been meant to come from beyond. */
  readonly whole: boolean;
}

export function lineageOf(name: string, drafts: EndpointDrafts, report: Report): Lineage {
  const links: Link[] = [];
  for (let at: string | undefined = name; at !== undefined; ) {
    const own = drafts.get(at);
    if (own === undefined) return { links, whole: false };
    links.push({ name: at, own });
    if (!('inherits' in own)) return { links, whole: true };
    at = parentOf(links, own.inherits, drafts, report);
  }
  return { links, whole: false };
}

function parentOf(
  links: readonly Link[],
  parent: string | undefined,
  drafts: EndpointDrafts,
  report: Report,
): string | undefined {
  const child = (links.at(-1) as Link).name;
  if (parent === undefined) return undefined;
  if (!drafts.has(parent)) {
    const names = [...drafts.keys()].filter((other) => other !== child);
    report.fault({
      path: ['endpoints', child, 'inherits'],
      problem: `There is no endpoint "${parent}" to inherit from.`,
      found: parent,
      allowed: names.length === 0 ? 'the name of another endpoint' : closest(parent, names).join(', '),
      suggestion: nearMiss(parent, names),
    });
    return undefined;
  }
  if (!links.some((link) => link.name === parent)) return parent;
  reportCycle(parent, links, report);
  return undefined;
}

function reportCycle(parent: string, chain: readonly Link[], report: Report): void {
  const links = chain.map((link) => link.name);
  const cycle = links.slice(links.indexOf(parent));
  // Told once, at the member of the circle that sorts first, whichever endpoint it was found from.
  const first = [...cycle].sort()[0] as string;
  const start = cycle.indexOf(first);
  const circle = [...cycle.slice(start), ...cycle.slice(0, start)];
  const next = circle[1] ?? first;
  report.fault({
    path: ['endpoints', first, 'inherits'],
    problem: `Endpoints inherit from each other in a circle: ${[...circle, first].join(' -> ')}.`,
    found: next,
    allowed: 'a chain of endpoints that ends',
  });
}

/** The nearest value of a setting, and where it stands; `undefined` as value where that place already has a fault. */
export function nearest<Key extends keyof EndpointDraft>(
  lineage: Lineage,
  key: Key,
): { value: EndpointDraft[Key]; path: Path } | null {
  const link = lineage.links.find(({ own }) => key in own);
  return link === undefined ? null : { value: link.own[key], path: ['endpoints', link.name, key] };
}
