/** From words to an exit code: finds the command, reads its options, runs it, and turns whatever goes wrong into a sentence. */
import { closest, nearMiss } from '../domain/nearest.ts';
import type { Call, Command } from './command.ts';
import { COMMANDS } from './commands.ts';
import { CONNECTION_OPTIONS, connectionSettings, PATIENT_MS } from './connection.ts';
import { type ControlPlane, createControlPlane } from './controlPlane.ts';
import { EXIT, type Exit, Failure, formatFailure, wrongUsage } from './failure.ts';
import { commandHelp, HELP_OPTION, OUTPUT_OPTIONS, optionsOf, overallHelp } from './help.ts';
import { type Given, type Options, readOptions, tokensOf } from './options.ts';
import { paintFor } from './paint.ts';
import type { Surroundings } from './surroundings.ts';

export async function run(on: Surroundings): Promise<Exit> {
  try {
    return await dispatch(on);
  } catch (error) {
    const failure = error instanceof Failure ? error : unforeseen(error);
    if (failure.parts.answer !== undefined && on.argv.includes('--json')) on.stdout.write(`${failure.parts.answer}\n`);
    on.stderr.write(formatFailure(failure.parts));
    return failure.parts.exit;
  }
}

/** What the router answered did not fit, or there is a fault here: either way a stack trace helps nobody at a terminal. */
function unforeseen(error: unknown): Failure {
  const found = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const attempt = 'the same with --json; router and command line should be of one version';
  return new Failure({ exit: EXIT.no, problem: 'What was answered could not be shown.', found, attempt }, error);
}

async function dispatch(on: Surroundings): Promise<Exit> {
  const found = findCommand(on);
  if (found.kind === 'about') return shown(on, found.text);
  const { command, before, after } = found;
  if (command.by === 'program') return await runProgram(on, command, { before, after });
  const given = readOptions([...before, ...after], { ...command, command: command.name, options: optionsOf(command) });
  if (given.flags.has('help')) return shown(on, commandHelp(command));
  return await command.run(callFor(on, given, command));
}

/** The program reads its options itself. */
async function runProgram(
  on: Surroundings,
  command: Command,
  { before, after }: { before: readonly string[]; after: readonly string[] },
): Promise<Exit> {
  if (before.length > 0) throw wrongUsage(`Options of ${command.name} stand after it: found ${before.join(' ')}.`);
  const isHelp = after.some((word) => word === '--help' || word === '-h');
  if (isHelp) return shown(on, commandHelp(command));
  const given: Given = { words: [], texts: new Map(), flags: new Set() };
  return await command.run({ ...callFor(on, given, command), rest: after });
}

function shown(on: Surroundings, text: string): Exit {
  on.stdout.write(text);
  return EXIT.ok;
}

type Found =
  | { readonly kind: 'about'; readonly text: string }
  | {
      readonly kind: 'command';
      readonly command: Command;
      readonly before: readonly string[];
      readonly after: readonly string[];
    };

/** Options may stand before the command. */
function findCommand({ argv, version }: Surroundings): Found {
  const tokens = tokensOf(argv, everyOption());
  const first = tokens.find((token) => token.kind === 'positional');
  if (first === undefined) {
    const isKnown = (name: string): boolean => tokens.some((token) => token.kind === 'option' && token.name === name);
    if (isKnown('version')) return { kind: 'about', text: `${version}\n` };
    if (isKnown('help')) return { kind: 'about', text: overallHelp(COMMANDS) };
    throw noCommand(tokens.find((token) => token.kind === 'option')?.rawName);
  }
  if (first.value === 'help') return helpFor(argv.slice(first.index + 1));
  const next = argv[first.index + 1];
  const [command, length] = named(first.value, next);
  return { kind: 'command', command, before: argv.slice(0, first.index), after: argv.slice(first.index + length) };
}

function helpFor(words: readonly string[]): Found {
  const [first, second] = words.filter((word) => !word.startsWith('-'));
  if (first === undefined) return { kind: 'about', text: overallHelp(COMMANDS) };
  const [command] = named(first, second);
  return { kind: 'command', command, before: [], after: ['--help'] };
}

function everyOption(): Options {
  const own = Object.assign({}, ...COMMANDS.map(({ options }) => options)) as Options;
  return { ...own, ...CONNECTION_OPTIONS, ...OUTPUT_OPTIONS, ...HELP_OPTION, version: { about: '' } };
}

/** The command, and how many words name it. */
function named(first: string, second: string | undefined): [Command, number] {
  const one = COMMANDS.find(({ name }) => name === first);
  if (one !== undefined) return [one, 1];
  const group = COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
  const two = group.find(({ name }) => name === `${first} ${second ?? ''}`);
  if (two !== undefined) return [two, 2];
  throw group.length > 0 ? noSubcommand(first, second, group) : unknownCommand(first);
}

function noSubcommand(first: string, second: string | undefined, group: readonly Command[]): Failure {
  const names = group.map(({ name }) => name);
  const meant = second === undefined ? null : nearMiss(`${first} ${second}`, names);
  const found = second === undefined ? {} : { found: `${first} ${second}` };
  return wrongUsage(`${first} needs a second word.${meant === null ? '' : ` Did you mean ${meant}?`}`, {
    ...found,
    allowed: names.join(', '),
    attempt: `openai-router help ${meant ?? names[0] ?? ''}`,
  });
}

function unknownCommand(word: string): Failure {
  const names = [...COMMANDS.map(({ name }) => name), 'help'];
  const meant = nearMiss(word, names);
  return wrongUsage(
    `There is no command ${JSON.stringify(word.slice(0, 60))}.${meant === null ? '' : ` Did you mean ${meant}?`}`,
    {
      allowed: closest(word, names).join(', '),
      attempt: meant === null ? 'openai-router help' : `openai-router help ${meant}`,
    },
  );
}

function noCommand(option: string | undefined): Failure {
  return wrongUsage(option === undefined ? 'A command is needed.' : `A command is needed beside ${option}.`, {
    allowed: COMMANDS.map(({ name }) => name).join(', '),
    attempt: 'openai-router help',
  });
}

function callFor(on: Surroundings, given: Given, command: Command): Call {
  const paint = paintFor(on, given.flags.has('no-color'));
  let router: Promise<ControlPlane> | null = null;
  return {
    ...given,
    on,
    rest: [],
    json: given.flags.has('json'),
    paint,
    look: { paint, width: on.stdout.isTerminal ? on.stdout.columns : null },
    times: () => ({ now: on.now(), zone: on.timeZone }),
    router: () => {
      router ??= connect(on, given, command);
      return router;
    },
    print: (text) => on.stdout.write(text),
    tell: (text) => on.stderr.write(text),
  };
}

async function connect(on: Surroundings, given: Given, command: Command): Promise<ControlPlane> {
  const settings = await connectionSettings(given, on, command.name === 'probe' ? PATIENT_MS : null);
  if (settings.warning !== null) on.stderr.write(`${settings.warning}\n`);
  return createControlPlane({ ...settings, send: on.send });
}
