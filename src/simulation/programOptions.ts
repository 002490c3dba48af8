/** The program's arguments, read and checked apart from running it. */
import { QUICK, SCENARIOS, type ScenarioName } from './scenarios.ts';

export interface Options {
  readonly scenarios: readonly ScenarioName[];
  readonly seed: number;
  readonly json: boolean;
  /** Where to draw the run; one scenario only. */
  readonly svg: string | null;
}

export type ReadOptions =
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problems: readonly string[] }
  | { readonly kind: 'run'; readonly options: Options };

const NAMES = Object.keys(SCENARIOS) as readonly ScenarioName[];
const DEFAULT_SEED = 1;
const LARGEST_SEED = 2 ** 32 - 1;

export function usage(): string {
  const list = NAMES.map((name) => `  ${name.padEnd(18)}${SCENARIOS[name]().about}`).join('\n');
  return `Usage: npm run simulate -- [scenario …] [options]

Many instances of the real router over a made-up store and made-up deployments, in made-up time.

${list}

Without a scenario: ${QUICK.join(', ')}.

  --seed N      another course of chance (default ${DEFAULT_SEED}); the same seed, the same figures
  --json        figures as JSON instead of a table
  --svg FILE    draws the run of a single scenario
  --help        this text
`;
}

export function readOptions(words: readonly string[]): ReadOptions {
  if (words.includes('--help') || words.includes('-h')) return { kind: 'help' };
  const found: Found = { scenarios: [], seed: null, svg: null, json: false, problems: [] };
  for (let at = 0; at < words.length; at++) at += readWord(words[at] ?? '', words[at + 1], found);
  const { scenarios, svg, json, problems } = found;
  const seed = seedOf(found);
  if (svg !== null && scenarios.length !== 1) problems.push('--svg draws one scenario: name it.');
  if (problems.length > 0) return { kind: 'wrong', problems };
  return { kind: 'run', options: { scenarios: scenarios.length === 0 ? QUICK : scenarios, seed, json, svg } };
}

interface Found {
  readonly scenarios: ScenarioName[];
  seed: string | null;
  svg: string | null;
  json: boolean;
  readonly problems: string[];
}

/** How many further words it took. */
function readWord(word: string, next: string | undefined, found: Found): number {
  const [, option = '', inline] = /^--([^=]+)(?:=(.*))?$/.exec(word) ?? [];
  if (option === 'json' && inline === undefined) found.json = true;
  else if (option === 'seed' || option === 'svg') {
    const value = inline ?? (next?.startsWith('--') ? undefined : next);
    if (value === undefined || value === '') found.problems.push(`--${option} needs a value.`);
    else found[option] = value;
    return inline === undefined && value !== undefined ? 1 : 0;
  } else {
    const name = NAMES.find((known) => known === word);
    if (name !== undefined) found.scenarios.push(name);
    else found.problems.push(`"${word}" is neither an option nor a scenario. Scenarios: ${NAMES.join(', ')}.`);
  }
  return 0;
}

function seedOf({ seed, problems }: Found): number {
  if (seed === null) return DEFAULT_SEED;
  if (/^\d+$/.test(seed) && Number(seed) <= LARGEST_SEED) return Number(seed);
  problems.push(`--seed takes a whole number from 0 to ${LARGEST_SEED}, not "${seed}".`);
  return DEFAULT_SEED;
}
