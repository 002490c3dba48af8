/** Reads a command's words and options; whatever is wrong with them is told at once. */
import { parseArgs } from 'node:util';
import { closest, nearMiss } from '../domain/nearest.ts';
import { wrongUsage } from './failure.ts';

export interface Option {
  /** What its value is called in the help; absent: it takes none. */
  readonly value?: string;
  readonly about: string;
}

export type Options = Readonly<Record<string, Option>>;

export interface Given {
  readonly words: readonly string[];
  readonly texts: ReadonlyMap<string, string>;
  readonly flags: ReadonlySet<string>;
}

export interface Expected {
  readonly command: string;
  readonly options: Options;
  /** Of its words: `ID…`. */
  readonly synopsis: string;
  readonly fewest: number;
  readonly most: number;
}

/** Those that every option of every command is read with, so that they may stand before the command too. */
export function tokensOf(argv: readonly string[], options: Options) {
  return parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(options).map(([name, { value }]) => [name, optionFor(name, value === undefined)]),
    ),
    strict: false,
    tokens: true,
  }).tokens;
}

const SHORT: Readonly<Record<string, string>> = { help: 'h', version: 'V' };

function optionFor(name: string, isFlag: boolean) {
  const short = SHORT[name];
  return { type: isFlag ? ('boolean' as const) : ('string' as const), ...(short === undefined ? {} : { short }) };
}

export function readOptions(argv: readonly string[], expected: Expected): Given {
  const words: string[] = [];
  const texts = new Map<string, string>();
  const flags = new Set<string>();
  const problems: string[] = [];
  for (const token of tokensOf(argv, expected.options)) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(expected.options, token.name) ? expected.options[token.name] : undefined;
    const problem = option === undefined ? unknownOption(token.rawName, expected) : valueProblem(token, option);
    if (problem !== null) problems.push(problem);
    else if (token.value === undefined) flags.add(token.name);
    else texts.set(token.name, token.value);
  }
  if (!flags.has('help')) problems.push(...wordProblems(words, expected));
  if (problems.length > 0)
    throw wrongUsage(problems.join(' '), { attempt: `openai-router ${expected.command} --help` });
  return { words, texts, flags };
}

interface OptionToken {
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function valueProblem({ rawName, value, inlineValue }: OptionToken, { value: name }: Option): string | null {
  if (name === undefined) return value === undefined ? null : `${rawName} takes no value.`;
  if (value === undefined || value === '') return `${rawName} needs a value: ${rawName} ${name}.`;
  const isNextOption = inlineValue !== true && value.length > 1 && value.startsWith('-');
  return isNextOption ? `${rawName} needs a value: ${rawName} ${name} (${rawName}=${value} if that is it).` : null;
}

function unknownOption(rawName: string, { command, options }: Expected): string {
  const known = Object.keys(options).map((name) => `--${name}`);
  const meant = nearMiss(rawName, known);
  const hint = meant === null ? `It takes ${closest(rawName, known).join(', ')}.` : `Did you mean ${meant}?`;
  return `${command} has no option ${rawName}. ${hint}`;
}

function wordProblems(words: readonly string[], { command, synopsis, fewest, most }: Expected): string[] {
  const empty = words.some((word) => word.trim() === '') ? ['A name is empty.'] : [];
  if (words.length < fewest) return [...empty, `${command} needs ${synopsis}.`];
  if (words.length <= most) return empty;
  const takes = most === 0 ? 'takes options alone' : `takes ${synopsis}`;
  return [
    ...empty,
    `${command} ${takes}; found besides: ${words
      .slice(most)
      .map((word) => JSON.stringify(word))
      .join(', ')}.`,
  ];
}
