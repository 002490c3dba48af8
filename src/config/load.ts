/** The way into this folder: a document, or the environment alone, becomes trusted values or a complete list of faults. */
import type { RouterConfig } from '../domain/config.ts';
import type { Fault } from '../domain/fault.ts';
import { assemble } from './assemble.ts';
import { readDocument, UNREADABLE } from './document.ts';
import { resolveEndpoints } from './endpoints.ts';
import { endpointVariables, environmentDocument } from './environment.ts';
import { type Environment, Report } from './faults.ts';
import { checkPools, completePools } from './pools.ts';
import { checkReferences } from './references.ts';
import { checkRegions, ownRegion } from './region.ts';
import { type Draft, routerDocument } from './schema.ts';
import { checkShape, isObject } from './shape.ts';
import { expandShortEndpoint, PARTS } from './shortForms.ts';

export type Parsed =
  | { readonly ok: true; readonly config: RouterConfig; readonly notes: readonly string[] }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** `sourceName` is what faults call the document: the name of its file. */
export function parseConfig(text: string, env: Environment, sourceName: string): Parsed {
  const report = new Report(sourceName, env);
  const document = readDocument(text, sourceName, report);
  if (document === UNREADABLE) return { ok: false, faults: report.faults };
  return interpret(withEnvironmentEndpoints(document, env, sourceName, report), env, report);
}

/** `null` where the environment says nothing about where requests go. */
export function configFromEnvironment(env: Environment): Parsed | null {
  const report = new Report('environment', env);
  const document = environmentDocument(env, report);
  if (document !== null) return interpret(document, env, report);
  return report.faults.length === 0 ? null : { ok: false, faults: report.faults };
}

/** A document that only tunes the router leaves it to the environment to say where requests go; any other one decides alone. */
function withEnvironmentEndpoints(document: unknown, env: Environment, sourceName: string, report: Report): unknown {
  if (!isObject(document)) return document;
  if (['endpoints', ...PARTS].some((part) => part in document)) {
    noteUnused(document, env, sourceName, report);
    return document;
  }
  const fromEnvironment = environmentDocument(env, report);
  if (fromEnvironment === null) return document;
  report.note(`${sourceName} names no endpoints: they come from the environment.`);
  const { pools, defaultPool, ...rest } = fromEnvironment;
  return 'pools' in document
    ? { ...rest, ...document }
    : { ...rest, ...(pools === undefined ? {} : { pools, defaultPool }), ...document };
}

function noteUnused(document: unknown, env: Environment, sourceName: string, report: Report): void {
  const text = JSON.stringify(document);
  const unused = endpointVariables(env).filter((name) => !text.includes(`\${${name}}`));
  if (unused.length === 0) return;
  report.note(`${unused.join(', ')}: set, but not used, because ${sourceName} says where requests go.`);
}

function interpret(document: unknown, env: Environment, report: Report): Parsed {
  report.hideSecretsOf(document);
  const draft = checkShape(document, report);
  if (draft === null) return { ok: false, faults: report.faults };
  const expanded = expandShortEndpoint(draft, report);
  const grid = resolveEndpoints(expanded, env, report);
  const complete = completePools(expanded, grid, report);
  const region = ownRegion(env);
  checkPools(complete, grid, report);
  checkRegions(complete, { own: region, grid }, report);
  checkReferences(complete, grid, report);
  checkBreaker(complete, report);
  if (report.faults.length > 0) return { ok: false, faults: report.faults };
  return {
    ok: true,
    config: assemble(routerDocument.parse(complete), complete, { grid, region }),
    notes: report.notes,
  };
}

function checkBreaker({ breaker }: Draft, report: Report): void {
  if (breaker?.openMs === undefined || breaker.maxOpenMs === undefined || breaker.openMs <= breaker.maxOpenMs) return;
  report.fault({
    path: ['breaker', 'openMs'],
    problem: 'The first rest is longer than "maxOpenMs", the longest one.',
    found: breaker.openMs,
    allowed: `at most ${breaker.maxOpenMs}, or a larger "maxOpenMs"`,
  });
}
