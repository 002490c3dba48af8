/** The short forms at the top level, written out as the long form. Faults name the place where the short form stands. */
import type { Report } from './faults.ts';
import type { EndpointDraft } from './lineage.ts';
import type { Draft } from './schema.ts';

/** The parts of the short form that say where requests go. */
export const PARTS = ['endpoint', 'deployment_name', 'api_key', 'api_version', 'backups'] as const;
type Part = (typeof PARTS)[number];

/** A setting of the long form, and its name in the short one. */
const SPELLINGS = [
  ['url', 'endpoint'],
  ['apiKey', 'api_key'],
  ['api', 'api_version'],
  ['deployments', 'deployment_name'],
] as const;

interface Contradiction {
  readonly problem: string;
  readonly allowed: string;
}

const BESIDE_ENDPOINTS: Readonly<Record<Part, Contradiction>> = {
  endpoint: {
    problem:
      '"endpoint" is the short form of "endpoints", and both are written, so it is not clear where requests should go.',
    allowed: 'either "endpoint", or "endpoints" with this address as the "url" of one of them',
  },
  deployment_name: {
    problem: '"deployment_name" belongs to the short form "endpoint", but this document has "endpoints".',
    allowed: '"deployments" on each of the "endpoints"',
  },
  api_key: {
    problem:
      '"api_key" belongs to the short form "endpoint", but this document has "endpoints", each with a key of its own.',
    allowed: '"apiKey" on each of the "endpoints", or on one that others inherit from',
  },
  api_version: {
    problem:
      '"api_version" belongs to the short form "endpoint", but this document has "endpoints", each with an API of its own.',
    allowed: '"api" on each of the "endpoints", or on one that others inherit from',
  },
  backups: {
    problem:
      '"backups" stand behind the short form "endpoint", but this document has "endpoints", whose order the pools say.',
    allowed: 'the backups among the "endpoints", and a pool of strategy "priority" that names them in order',
  },
};

const WITHOUT_ENDPOINT: Readonly<Record<Exclude<Part, 'endpoint'>, string>> = {
  deployment_name: '"deployment_name" names a deployment on "endpoint", and there is no "endpoint".',
  api_key: '"api_key" is the key of "endpoint", and there is no "endpoint".',
  api_version: '"api_version" says how to speak to "endpoint", and there is no "endpoint".',
  backups: '"backups" stand behind "endpoint", and there is no "endpoint".',
};

/** `A`, `B`, … `Z`, `AA`, … */
export function endpointLetter(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : endpointLetter(Math.floor(index / 26) - 1) + last;
}

export function expandShortEndpoint(draft: Draft, report: Report): Draft {
  const parts = PARTS.filter((part) => part in draft);
  if (parts.length === 0) return draft;
  if ('endpoints' in draft) {
    for (const part of parts) report.fault({ path: [part], found: draft[part], ...BESIDE_ENDPOINTS[part] });
    return draft;
  }
  if (!('endpoint' in draft)) {
    for (const part of parts as Exclude<Part, 'endpoint'>[]) {
      report.fault({
        path: [part],
        problem: WITHOUT_ENDPOINT[part],
        found: draft[part],
        allowed: '"endpoint" with the address of the resource beside it',
      });
    }
    // Known to be missing, and told; the long form must not ask for endpoints again.
    return { ...draft, endpoints: undefined };
  }
  return { ...draft, endpoints: toEndpoints(draft, report), ...toPools(draft, report) };
}

type Endpoints = NonNullable<Draft['endpoints']>;

function toEndpoints(draft: Draft, report: Report): Endpoints {
  const deployments = deploymentsOf(draft, report);
  for (const [key, part] of SPELLINGS) {
    report.writtenAt(['endpoints', 'A', key], part);
  }
  if (!('api_key' in draft))
    report.note('There is no "api_key" beside "endpoint": the router uses its managed identity there.');
  const primary = {
    url: draft.endpoint,
    ...('api_key' in draft ? { apiKey: draft.api_key } : { auth: 'managedIdentity' as const }),
    ...('api_version' in draft ? { api: draft.api_version } : {}),
    deployments,
  };
  const backups = (draft.backups ?? []).map((_, at) => [endpointLetter(at + 1), toBackup(draft, at, report)] as const);
  return Object.fromEntries<Endpoints[string]>([['A', primary], ...backups]);
}

function deploymentsOf(draft: Draft, report: Report): EndpointDraft['deployments'] {
  if (!('deployment_name' in draft) && !('models' in draft)) {
    report.fault({
      path: ['deployment_name'],
      problem: 'There is an "endpoint", but nothing says which deployment on it to use.',
      allowed:
        '"deployment_name" with the name of a deployment, or "models" with names of models and their deployments',
    });
    return undefined;
  }
  if ('deployment_name' in draft && draft.deployment_name === undefined) return undefined;
  if ('models' in draft && draft.models === undefined) return undefined;
  const names = [draft.deployment_name, ...Object.values(draft.models ?? {})].filter((name) => name !== undefined);
  return Object.fromEntries(names.map((name) => [name, {}]));
}

function toBackup(draft: Draft, at: number, report: Report): Endpoints[string] {
  const backup = draft.backups?.[at];
  const name = endpointLetter(at + 1);
  report.writtenAt(['endpoints', name], `backups[${at}]`);
  for (const [key, part] of SPELLINGS) {
    report.writtenAt(['endpoints', name, key], `backups[${at}].${part}`);
  }
  if (backup === undefined) return undefined;
  return {
    inherits: 'A',
    url: backup.endpoint,
    ...('api_key' in backup ? { apiKey: backup.api_key } : {}),
    ...('api_version' in backup ? { api: backup.api_version } : {}),
    ...(backup.deployment_name === undefined ? {} : { deployments: { [backup.deployment_name]: {} } }),
  };
}

/** The pool over the primary and its backups, before those the document defines itself. */
function toPools(draft: Draft, report: Report): Pick<Draft, 'pools'> {
  const name = draft.deployment_name;
  if (name === undefined) return {};
  if (draft.pools !== undefined && Object.hasOwn(draft.pools, name)) {
    report.fault({
      path: ['pools', name],
      problem: `"endpoint" with "deployment_name" already makes the pool "${name}", and "pools" makes it a second time.`,
      found: name,
      allowed: 'another name for this pool, or "endpoints" in place of the short form',
    });
    return {};
  }
  const backups = (draft.backups ?? []).map(
    (backup, at) => `${endpointLetter(at + 1)}/${backup?.deployment_name ?? name}`,
  );
  report.writtenAt(['pools', name], 'deployment_name');
  return { pools: { [name]: { strategy: 'priority', members: [`A/${name}`, ...backups] }, ...draft.pools } };
}
