import {
  EMPTY_NAMES,
  IMPURE,
  LAYERS,
  MAX_LINES,
  MAY_READ_ENVIRONMENT,
  PURE,
  SDK_HOMES,
  TOP_FILES,
  TYPES_ONLY,
  WITHOUT_NODE,
} from './layers.ts';
import { bareCode, findCycle, type Import, importsOf, packageOf, place, type Tree, target } from './source.ts';

/** Each rule answers with the offences it found, in sentences; none is good. */
export type Rule = (tree: Tree) => Promise<string[]> | string[];

export const RULES = {
  'every place in src/ has its line in layers.ts': (tree) =>
    [...new Set([...tree.keys()].map(place))]
      .filter((name) => allowedFrom(name) === undefined)
      .map((name) => `src/${name} is not in layers.ts: say what it may import.`),

  'imports point one way': async (tree) =>
    (await importsOf(tree))
      .filter((one) => !pointsDown(one))
      .map((one) => `${one.from} may not import ${one.specifier}.`),

  'some know only the types of others': async (tree) =>
    (await importsOf(tree))
      .filter((one) => one.kind !== 'type' && TYPES_ONLY[place(one.from)]?.includes(place(target(one) ?? '')) === true)
      .map((one) => `${one.from} takes more than types from ${one.specifier}.`),

  'no file imports itself by way of others': async (tree) => {
    const cycle = findCycle(await importsOf(tree));
    return cycle === null ? [] : [`A circle: ${cycle.join(' -> ')}.`];
  },

  'each SDK has one home': async (tree) =>
    (await importsOf(tree)).filter(isPackage).flatMap((one) => {
      const name = packageOf(one.specifier);
      const homes = SDK_HOMES[name];
      if (homes === undefined) return [`${one.from} imports ${name}, which has no home in layers.ts.`];
      return homes.includes(place(one.from)) ? [] : [`${one.from} imports ${name}, whose home is ${homes.join(', ')}.`];
    }),

  'domain/ and routing/ do without Node': async (tree) =>
    (await importsOf(tree))
      .filter((one) => WITHOUT_NODE.includes(place(one.from)) && one.specifier.startsWith('node:'))
      .map((one) => `${one.from} imports ${one.specifier}.`),

  'only what starts a process reads its environment': async (tree) => {
    const elsewhere = [...tree].filter(([path]) => !MAY_READ_ENVIRONMENT.includes(path));
    const readers = await Promise.all(
      elsewhere.map(async ([path, text]) => (readsEnvironment(await bareCode(text)) ? path : null)),
    );
    const importers = (await importsOf(tree))
      .filter((one) => /^(?:node:)?process$/.test(one.specifier) && !MAY_READ_ENVIRONMENT.includes(one.from))
      .map((one) => one.from);
    return [...new Set([...readers, ...importers])]
      .filter((path) => path !== null)
      .map((path) => `${path} reads the environment.`);
  },

  'decisions take time and chance as arguments': async (tree) => {
    const pure = [...tree].filter(([path]) => PURE.includes(place(path)));
    const offences = await Promise.all(
      pure.map(async ([path, text]) => {
        const code = await bareCode(text);
        return Object.keys(IMPURE).flatMap((name) =>
          IMPURE[name]?.test(code) === true ? [`${path} uses ${name}.`] : [],
        );
      }),
    );
    return offences.flat();
  },

  'no folder has a name that says nothing': (tree) =>
    [...new Set([...tree.keys()].flatMap((path) => path.split('/').slice(0, -1)))]
      .filter((folder) => EMPTY_NAMES.includes(folder))
      .map((folder) => `A folder is called ${folder}.`),

  'no file is longer than 300 lines': (tree) =>
    [...tree]
      .map(([path, text]) => ({ path, lines: text.trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > MAX_LINES)
      .map(({ path, lines }) => `${path} has ${lines} lines.`),
} satisfies Readonly<Record<string, Rule>>;

function allowedFrom(name: string): readonly string[] | undefined {
  return LAYERS[name] ?? TOP_FILES[name];
}

function pointsDown(one: Import): boolean {
  const to = target(one);
  if (to === null) return true;
  const [here, there] = [place(one.from), place(to)];
  return here === there || allowedFrom(here)?.includes(there) !== false;
}

function isPackage(one: Import): boolean {
  return target(one) === null && !one.specifier.startsWith('node:');
}

function readsEnvironment(code: string): boolean {
  return /\bprocess\??\.env\b|\bprocess\[|=process\b(?!\.)/.test(code);
}
