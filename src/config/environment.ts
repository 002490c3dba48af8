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
const QUICK_START = /^AZURE_OPENAI_(ENDPOINT|API_KEY|KEY|DEPLOYMENT_NAME|DEPLOYMENT|API_VERSION)(_\d+)?$/;

type Endpoints = Record<string, NonNullable<Draft['endpoints']>[string]>;

export function isQuickStartName(name: string): boolean {
  return QUICK_START.test(name);
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
  const deployment = [
    variable(env, 'DEPLOYMENT_NAME'),
    variable(env, 'DEPLOYMENT'),
    ...numbersOf(env, 'DEPLOYMENT_NAME').map((at) => variable(env, `DEPLOYMENT_NAME_${at}`)),
  ].find((found) => found !== null);
  if (deployment !== undefined) {
    report.fault({
      path: [`${PREFIX}ENDPOINT`],
      problem: `${deployment?.name} names a deployment, but nothing says on which endpoint.`,
      allowed: 'the address of the resource, such as https://one.openai.azure.com',
    });
  }
  return null;
}

function singleDocument(
  endpoint: Variable,
  numbered: readonly number[],
  env: Environment,
  report: Report,
): Draft | null {
  const key = oneOfTwo(variable(env, 'API_KEY'), variable(env, 'KEY'), report);
  const deployments = deploymentsOf(env, report);
  if (deployments.length === 0) {
    report.fault({
      path: [`${PREFIX}DEPLOYMENT_NAME`],
      problem: `${PREFIX}ENDPOINT is set, but nothing says which deployment on it to use.`,
      allowed: 'the name of a deployment, such as gpt-4.1',
    });
  }
  const version = variable(env, 'API_VERSION');
  if (key === null) report.note(`${PREFIX}API_KEY is not set: the router uses its managed identity on endpoint A.`);
  name('A', endpoint, key, version, report);
  report.writtenAt(['endpoints', 'A', 'deployments'], deployments[0]?.name ?? `${PREFIX}DEPLOYMENT_NAME`);
  const endpoints: Endpoints = {
    A: {
      url: endpoint.value,
      ...(key === null ? { auth: 'managedIdentity' } : { apiKey: `\${${key.name}}` }),
      ...(version === null ? {} : { api: version.value }),
      // `undefined`: missing, and told.
      deployments:
        deployments.length === 0
          ? undefined
          : Object.fromEntries(
              deployments.map(({ name: variableName, value }) => {
                report.writtenAt(['endpoints', 'A', 'deployments', value], variableName);
                return [value, {}];
              }),
            ),
    },
  };
  for (const [at, number] of numbered.entries())
    endpoints[endpointLetter(at + 1)] = backupEndpoint(endpointLetter(at + 1), number, key, env, report);
  noteOrphans(env, new Set(numbered), ['API_KEY', 'API_VERSION'], report);
  return { endpoints };
}

function name(
  letter: string,
  endpoint: Variable,
  key: Variable | null,
  version: Variable | null,
  report: Report,
): void {
  report.writtenAt(['endpoints', letter], endpoint.name);
  if (key !== null) report.writtenAt(['endpoints', letter, 'apiKey'], key.name);
  if (version !== null) report.writtenAt(['endpoints', letter, 'api'], version.name);
}

function backupEndpoint(
  letter: string,
  number: number,
  primaryKey: Variable | null,
  env: Environment,
  report: Report,
): Endpoints[string] {
  const endpoint = variable(env, `ENDPOINT_${number}`) as Variable;
  const key = variable(env, `API_KEY_${number}`) ?? variable(env, `KEY_${number}`);
  const version = variable(env, `API_VERSION_${number}`);
  if (key === null && primaryKey !== null)
    report.note(`${PREFIX}API_KEY_${number} is not set: endpoint ${letter} is entered with ${primaryKey.name}.`);
  name(letter, endpoint, key, version, report);
  return {
    inherits: 'A',
    url: endpoint.value,
    ...(key === null ? {} : { apiKey: `\${${key.name}}` }),
    ...(version === null ? {} : { api: version.value }),
  };
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

function noteOrphans(
  env: Environment,
  numbered: ReadonlySet<number>,
  suffixes: readonly string[],
  report: Report,
): void {
  for (const suffix of suffixes) {
    for (const number of numbersOf(env, suffix)) {
      if (!numbered.has(number))
        report.note(`${PREFIX}${suffix}_${number} is not used, as there is no ${PREFIX}ENDPOINT_${number}.`);
    }
  }
}

interface Entry {
  readonly number: number;
  readonly endpoint: Variable;
  readonly deployment: Variable;
  readonly key: Variable | null;
  readonly version: Variable | null;
}

function indexedDocument(env: Environment, report: Report): Draft | null {
  const numbers = [...new Set([...numbersOf(env, 'ENDPOINT'), ...numbersOf(env, 'DEPLOYMENT_NAME')])].sort(
    (left, right) => left - right,
  );
  const sharedKey = variable(env, 'API_KEY') ?? variable(env, 'KEY');
  // Where one entry has a key, an entry without is one whose key was forgotten.
  const keyed = sharedKey !== null || numbersOf(env, 'API_KEY').length > 0;
  const skipped: string[] = [];
  const entries = numbers.flatMap((number) => {
    const entry = toEntry(number, sharedKey, env);
    const missing = [
      entry.endpoint === null ? 'ENDPOINT' : null,
      entry.deployment === null ? 'DEPLOYMENT_NAME' : null,
      keyed && entry.key === null ? 'API_KEY' : null,
    ].filter((part) => part !== null);
    if (missing.length === 0) return [entry as Entry];
    skipped.push(
      `Entry ${number} is left out, as ${missing.map((part) => `${PREFIX}${part}_${number}`).join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set.`,
    );
    return [];
  });
  if (entries.length === 0) {
    report.fault({
      path: [`${PREFIX}ENDPOINT_${numbers[0]}`],
      problem: `No numbered entry is complete. ${skipped.join(' ')}`,
      allowed: `${PREFIX}ENDPOINT_0, ${PREFIX}DEPLOYMENT_NAME_0 and ${PREFIX}API_KEY_0, and the same with 1, 2, …`,
    });
    return null;
  }
  for (const sentence of skipped) report.note(sentence);
  noteOrphans(env, new Set(numbers), ['API_KEY', 'API_VERSION'], report);
  if (!keyed) report.note(`${PREFIX}API_KEY_0 is not set, nor any other key: the router uses its managed identity.`);
  return roundRobin(entries, report);
}

function toEntry(number: number, sharedKey: Variable | null, env: Environment) {
  return {
    number,
    endpoint: variable(env, `ENDPOINT_${number}`),
    deployment: variable(env, `DEPLOYMENT_NAME_${number}`),
    key: variable(env, `API_KEY_${number}`) ?? sharedKey,
    version: variable(env, `API_VERSION_${number}`) ?? variable(env, 'API_VERSION'),
  };
}

function roundRobin(entries: readonly Entry[], report: Report): Draft {
  const endpoints: Endpoints = {};
  const members = entries.map((entry, at) => {
    const letter = endpointLetter(at);
    name(letter, entry.endpoint, entry.key, entry.version, report);
    report.writtenAt(['endpoints', letter, 'deployments'], entry.deployment.name);
    endpoints[letter] = {
      url: entry.endpoint.value,
      ...(entry.key === null ? { auth: 'managedIdentity' } : { apiKey: `\${${entry.key.name}}` }),
      ...(entry.version === null ? {} : { api: entry.version.value }),
      deployments: { [entry.deployment.value]: {} },
    };
    return `${letter}/${entry.deployment.value}`;
  });
  const { name: variableName, value: pool } = (entries[0] as Entry).deployment;
  report.writtenAt(['pools', pool], variableName);
  return { endpoints, pools: { [pool]: { strategy: 'roundRobin', block: 1, members } }, defaultPool: pool };
}
