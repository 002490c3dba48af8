/**
 * The quick starts: Azure's own environment variables, in the three ways people set them, become the document that says the
 * same. Faults name the variables.
 *
 * single:  `AZURE_OPENAI_ENDPOINT`, `_API_KEY` (or `_KEY`), `_DEPLOYMENT_NAME` (or `_DEPLOYMENT`), `_API_VERSION`; further
 *          deployments as `_DEPLOYMENT_NAME_2`, …; further endpoints as `_ENDPOINT_2`, `_API_KEY_2`, `_API_VERSION_2`, …
 * indexed: `AZURE_OPENAI_ENDPOINT_0`, `_DEPLOYMENT_NAME_0`, `_API_KEY_0`, `_API_VERSION_0`, `_1`, …
 */
import type { Environment, Report } from './faults.ts';
import type { Draft } from './schema.ts';
import { endpointLetter } from './shortForms.ts';

const PREFIX = 'AZURE_OPENAI_';

type Endpoints = Record<string, NonNullable<Draft['endpoints']>[string]>;

/** The variables that say where requests go; a key or a version alone is of use to many programs. */
export function endpointVariables(env: Environment): string[] {
  const numbered = numbersOf(env, 'ENDPOINT').map((number) => `${PREFIX}ENDPOINT_${number}`);
  return variable(env, 'ENDPOINT') === null ? numbered : [`${PREFIX}ENDPOINT`, ...numbered];
}

/** A variable that is set to something; blank is as good as absent. */
interface Variable {
  readonly name: string;
  readonly value: string;
}

function variable(env: Environment, suffix: string): Variable | null {
  const name = PREFIX + suffix;
  const value = env[name]?.trim();
  return value === undefined || value === '' ? null : { name, value };
}

/** `null` where there is nothing to go by: nothing is set, or a fault says why not. */
export function environmentDocument(env: Environment, report: Report): Draft | null {
  const numbered = numbersOf(env, 'ENDPOINT');
  const single = variable(env, 'ENDPOINT');
  if (single !== null && numbered.some((number) => number < 2)) return reportBothForms(numbered, report);
  if (single !== null) return singleDocument(single, numbered, env, report);
  if (numbered.length > 0) return indexedDocument(env, report);
  return reportNoEndpoint(env, report);
}

function numbersOf(env: Environment, suffix: string): number[] {
  const pattern = new RegExp(`^${PREFIX}${suffix}_(0|[1-9]\\d{0,3})$`);
  return Object.keys(env)
    .flatMap((name) => (env[name]?.trim() ? [pattern.exec(name)?.[1]] : []))
    .flatMap((digits) => (digits === undefined ? [] : [Number(digits)]))
    .sort((left, right) => left - right);
}

function reportBothForms(numbered: readonly number[], report: Report): null {
  const other = `${PREFIX}ENDPOINT_${numbered[0]}`;
  report.fault({
    path: [`${PREFIX}ENDPOINT`],
    problem: `${PREFIX}ENDPOINT and ${other} are both set, but belong to two different ways of naming endpoints.`,
    found: other,
    allowed: `${PREFIX}ENDPOINT with ${PREFIX}ENDPOINT_2, _3, … as its backups, or ${PREFIX}ENDPOINT_0, _1, … in turn, without ${PREFIX}ENDPOINT`,
  });
  return null;
}

/** A key or a version alone says nothing: other programs' clients read these variables too. */
function reportNoEndpoint(env: Environment, report: Report): null {
  const suffixes = [
    'DEPLOYMENT_NAME',
    'DEPLOYMENT',
    ...numbersOf(env, 'DEPLOYMENT_NAME').map((at) => `DEPLOYMENT_NAME_${at}`),
  ];
  const deployment = suffixes.map((suffix) => variable(env, suffix)).find((found) => found !== null);
  if (deployment !== undefined) {
    report.fault({
      path: [`${PREFIX}ENDPOINT`],
      problem: `${deployment.name} names a deployment, but nothing says on which endpoint.`,
      allowed: 'the address of the resource, such as https://one.openai.azure.com',
    });
  }
  return null;
}

/** One endpoint as the variables tell it. */
interface Resource {
  readonly endpoint: Variable;
  readonly key: Variable | null;
  readonly version: Variable | null;
}

function singleDocument(endpoint: Variable, numbered: readonly number[], env: Environment, report: Report): Draft {
  const key = oneOfTwo(variable(env, 'API_KEY'), variable(env, 'KEY'), report);
  const primary: Resource = { endpoint, key, version: variable(env, 'API_VERSION') };
  if (key === null) report.note(`${PREFIX}API_KEY is not set: the router uses its managed identity on endpoint A.`);
  const endpoints: Endpoints = {
    A: {
      ...toEndpoint('A', primary, report),
      ...(key === null ? { auth: 'managedIdentity' } : {}),
      deployments: toDeployments(deploymentsOf(env, report), report),
    },
  };
  for (const [at, number] of numbered.entries()) {
    const letter = endpointLetter(at + 1);
    const backup: Resource = {
      endpoint: variable(env, `ENDPOINT_${number}`) as Variable,
      key: variable(env, `API_KEY_${number}`) ?? variable(env, `KEY_${number}`),
      version: variable(env, `API_VERSION_${number}`),
    };
    endpoints[letter] = { inherits: 'A', ...toEndpoint(letter, backup, report) };
    if (backup.key !== null || key === null) continue;
    report.note(`${PREFIX}API_KEY_${number} is not set: endpoint ${letter} is entered with ${key.name}.`);
  }
  noteOrphans(env, new Set(numbered), report);
  return { endpoints };
}

function toEndpoint(letter: string, { endpoint, key, version }: Resource, report: Report) {
  report.writtenAt(['endpoints', letter], endpoint.name);
  if (key !== null) report.writtenAt(['endpoints', letter, 'apiKey'], key.name);
  if (version !== null) report.writtenAt(['endpoints', letter, 'api'], version.name);
  return {
    url: endpoint.value,
    ...(key === null ? {} : { apiKey: `\${${key.name}}` }),
    ...(version === null ? {} : { api: version.value }),
  };
}

/** `undefined`: missing, and told. */
function toDeployments(named: readonly Variable[], report: Report): Record<string, object> | undefined {
  for (const { name, value } of named) report.writtenAt(['endpoints', 'A', 'deployments', value], name);
  if (named.length > 0) return Object.fromEntries(named.map(({ value }) => [value, {}]));
  report.fault({
    path: [`${PREFIX}DEPLOYMENT_NAME`],
    problem: `${PREFIX}ENDPOINT is set, but nothing says which deployment on it to use.`,
    allowed: 'the name of a deployment, such as gpt-4.1',
  });
  return undefined;
}

/** Two names for one thing: either will do, both only if they agree. */
function oneOfTwo(usual: Variable | null, other: Variable | null, report: Report): Variable | null {
  if (usual !== null && other !== null && usual.value !== other.value) {
    report.fault({
      path: [other.name],
      problem: `${usual.name} and ${other.name} mean the same, but are set to different values.`,
      allowed: `one of the two, or the same value in both`,
    });
  }
  return usual ?? other;
}

function deploymentsOf(env: Environment, report: Report): Variable[] {
  const first = oneOfTwo(variable(env, 'DEPLOYMENT_NAME'), variable(env, 'DEPLOYMENT'), report);
  const further = numbersOf(env, 'DEPLOYMENT_NAME').map((number) => variable(env, `DEPLOYMENT_NAME_${number}`));
  return [first, ...further].filter((found) => found !== null);
}

function noteOrphans(env: Environment, numbered: ReadonlySet<number>, report: Report): void {
  for (const suffix of ['API_KEY', 'API_VERSION']) {
    for (const number of numbersOf(env, suffix)) {
      if (numbered.has(number)) continue;
      report.note(`${PREFIX}${suffix}_${number} is not used, as there is no ${PREFIX}ENDPOINT_${number}.`);
    }
  }
}

/** One numbered entry, of which any part may be missing. */
interface Entry {
  readonly number: number;
  readonly endpoint: Variable | null;
  readonly deployment: Variable | null;
  readonly key: Variable | null;
  readonly version: Variable | null;
}

type CompleteEntry = Entry & Resource & { readonly deployment: Variable };

function indexedDocument(env: Environment, report: Report): Draft | null {
  const entries = entriesOf(env);
  // Where one entry has a key, an entry without is one whose key was forgotten.
  const keyed = entries.some((entry) => entry.key !== null);
  const complete = entries.filter((entry): entry is CompleteEntry => missingFrom(entry, keyed).length === 0);
  const skipped = entries.flatMap((entry) => {
    const missing = missingFrom(entry, keyed);
    const verb = missing.length === 1 ? 'is' : 'are';
    return missing.length === 0
      ? []
      : [`Entry ${entry.number} is left out, as ${missing.join(' and ')} ${verb} not set.`];
  });
  if (complete.length === 0) {
    report.fault({
      path: [`${PREFIX}ENDPOINT_${entries[0]?.number ?? 0}`],
      problem: `No numbered entry is complete. ${skipped.join(' ')}`,
      allowed: `${PREFIX}ENDPOINT_0, ${PREFIX}DEPLOYMENT_NAME_0 and ${PREFIX}API_KEY_0, and the same with 1, 2, …`,
    });
    return null;
  }
  for (const sentence of skipped) report.note(sentence);
  noteOrphans(env, new Set(entries.map((entry) => entry.number)), report);
  if (!keyed) report.note(`${PREFIX}API_KEY_0 is not set, nor any other key: the router uses its managed identity.`);
  return roundRobin(complete, report);
}

function entriesOf(env: Environment): Entry[] {
  const numbers = new Set([...numbersOf(env, 'ENDPOINT'), ...numbersOf(env, 'DEPLOYMENT_NAME')]);
  const sharedKey = variable(env, 'API_KEY') ?? variable(env, 'KEY');
  return [...numbers]
    .sort((left, right) => left - right)
    .map((number) => ({
      number,
      endpoint: variable(env, `ENDPOINT_${number}`),
      deployment: variable(env, `DEPLOYMENT_NAME_${number}`),
      key: variable(env, `API_KEY_${number}`) ?? sharedKey,
      version: variable(env, `API_VERSION_${number}`) ?? variable(env, 'API_VERSION'),
    }));
}

function missingFrom(entry: Entry, keyed: boolean): string[] {
  const missing: string[] = [];
  if (entry.endpoint === null) missing.push(`${PREFIX}ENDPOINT_${entry.number}`);
  if (entry.deployment === null) missing.push(`${PREFIX}DEPLOYMENT_NAME_${entry.number}`);
  if (keyed && entry.key === null) missing.push(`${PREFIX}API_KEY_${entry.number}`);
  return missing;
}

function roundRobin(entries: readonly CompleteEntry[], report: Report): Draft {
  const endpoints: Endpoints = {};
  const members = entries.map((entry, at) => {
    const letter = endpointLetter(at);
    const { name, value } = entry.deployment;
    endpoints[letter] = {
      ...toEndpoint(letter, entry, report),
      ...(entry.key === null ? { auth: 'managedIdentity' } : {}),
      deployments: { [value]: {} },
    };
    report.writtenAt(['endpoints', letter, 'deployments'], name);
    return `${letter}/${value}`;
  });
  const { name, value } = (entries[0] as CompleteEntry).deployment;
  report.writtenAt(['pools', value], name);
  return { endpoints, pools: { [value]: { strategy: 'roundRobin', members } }, defaultPool: value };
}
