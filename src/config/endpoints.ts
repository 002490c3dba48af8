/** Endpoints with what they inherit filled in, their credentials read, and the deployments they bear. */
import {
  type Deployment,
  type DeploymentId,
  type Dialect,
  deploymentId,
  type Endpoint,
  type EndpointCredential,
} from '../domain/deployment.ts';
import { credentialOf } from './credentials.ts';
import type { Environment, Report } from './faults.ts';
import { DEFAULT_API } from './form/endpoint.ts';
import { type EndpointDrafts, type Lineage, lineageOf, nearest } from './lineage.ts';
import { dereference } from './reference.ts';
import type { Draft } from './schema.ts';
import { type Flavour, readUrl } from './url.ts';

export interface Grid {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly deployments: ReadonlyMap<DeploymentId, Deployment>;
  /** Endpoints whose deployments cannot be told because of a fault: any deployment may be meant to be there. */
  readonly unclear: ReadonlySet<string>;
}

export function resolveEndpoints(draft: Draft, env: Environment, report: Report): Grid {
  const drafts: EndpointDrafts = new Map(Object.entries(draft.endpoints ?? {}));
  const endpoints = new Map<string, Endpoint>();
  const deployments = new Map<DeploymentId, Deployment>();
  const unclear = new Set<string>();
  if (drafts.size === 0) reportNoEndpoint(draft, report);
  for (const name of drafts.keys()) {
    const lineage = lineageOf(name, drafts, report);
    const borne = deploymentsOf(name, lineage, report);
    if (borne === null) unclear.add(name);
    for (const deployment of borne ?? []) deployments.set(deployment.id, deployment);
    const endpoint = toEndpoint(name, lineage, env, report);
    if (endpoint !== null) endpoints.set(name, endpoint);
  }
  return { endpoints, deployments, unclear };
}

function reportNoEndpoint(draft: Draft, report: Report): void {
  if ('endpoints' in draft && draft.endpoints === undefined) return;
  report.fault({
    path: ['endpoints'],
    problem: 'There is no endpoint to send anything to.',
    allowed: 'at least one endpoint under "endpoints", or the short form "endpoint" with "deployment_name"',
  });
}

function toEndpoint(name: string, lineage: Lineage, env: Environment, report: Report): Endpoint | null {
  const place = placeOf(name, lineage, env, report);
  const credential = credentialOf(name, lineage, env, report);
  const flavour = flavourOf(lineage);
  if (flavour === 'openai') reportIdle(name, lineage, credential, report);
  if (place === null || credential === null) return null;
  return {
    name,
    ...place,
    credential,
    dialect: flavour === 'openai' ? { kind: 'openai' } : toDialect(nearest(lineage, 'api')?.value),
    region: nearest(lineage, 'region')?.value ?? null,
  };
}

function flavourOf(lineage: Lineage): Flavour {
  return nearest(lineage, 'kind')?.value ?? 'azure';
}

/** What plain OpenAI has no use for; where it is inherited along with something else, it may be meant for another. */
function reportIdle(
  name: string,
  { links: [own] }: Lineage,
  credential: EndpointCredential | null,
  report: Report,
): void {
  if (own?.own.api !== undefined) {
    report.fault({
      path: ['endpoints', name, 'api'],
      problem: 'An endpoint of plain OpenAI has one API only, so "api" can have no use.',
      found: own.own.api,
      allowed: '"api" only where "kind" is "azure"',
    });
  }
  if (credential?.kind !== 'managedIdentity') return;
  report.fault({
    path: ['endpoints', name, 'auth'],
    problem: 'Plain OpenAI knows nothing of managed identities.',
    found: 'managedIdentity',
    allowed: '"apiKey": "${NAME}" with the key in the environment',
  });
}

function toDialect(api: string = DEFAULT_API): Dialect {
  return api === 'v1' ? { kind: 'v1' } : { kind: 'dated', apiVersion: api };
}

type Place = Pick<Endpoint, 'origin' | 'basePath'>;

function placeOf(name: string, lineage: Lineage, env: Environment, report: Report): Place | null {
  const written = nearest(lineage, 'url');
  if (written === null) {
    if (!lineage.whole) return null;
    report.fault({
      path: ['endpoints', name, 'url'],
      problem: 'This setting is required, and missing.',
      allowed:
        'the address of the resource, such as "https://one.openai.azure.com", or "inherits" with the name of an endpoint that has one',
    });
    return null;
  }
  const address = dereference(written.value, written.path, env, report);
  if (address === null) return null;
  const read = readUrl(address, nearest(lineage, 'allowInsecure')?.value ?? false, flavourOf(lineage));
  if (read.ok) return { origin: read.origin, basePath: read.basePath };
  // What an environment variable holds is not shown: it may be the wrong variable, one with a key in it.
  const suggestion = address === written.value ? read.suggestion : null;
  report.fault({ path: written.path, problem: read.problem, found: written.value, allowed: read.allowed, suggestion });
  return null;
}

function deploymentsOf(name: string, lineage: Lineage, report: Report): Deployment[] | null {
  const written = nearest(lineage, 'deployments');
  if (written === null ? !lineage.whole : written.value === undefined) return null;
  const entries = Object.entries(written?.value ?? {});
  if (entries.length === 0) {
    report.fault({
      path: written?.path ?? ['endpoints', name, 'deployments'],
      problem: 'The endpoint has no deployment.',
      ...(written === null ? {} : { found: {} }),
      allowed:
        'at least one deployment by name, such as {"gpt-4.1": {}}, or "inherits" with the name of an endpoint that has some',
    });
    return null;
  }
  return entries.map(([deployment, own]) => ({
    id: deploymentId(name, deployment),
    endpoint: name,
    name: deployment,
    model: own?.model ?? null,
    kind: own?.kind ?? 'standard',
    price:
      own?.price?.input === undefined || own.price.output === undefined
        ? null
        : { input: own.price.input, cached: own.price.cached ?? null, output: own.price.output },
  }));
}
