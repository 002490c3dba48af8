import type { Command } from './command.ts';
import { CONNECTION_OPTIONS } from './connection.ts';
import type { Options } from './options.ts';

export const OUTPUT_OPTIONS: Options = {
  json: { about: "the answer for programs: the router's own JSON" },
  'no-color': { about: 'no colours (NO_COLOR does the same); there are none where stdout is no terminal' },
};

export const HELP_OPTION: Options = { help: { about: 'this text' } };

/** All that a command takes. */
export function optionsOf({ options, by }: Command): Options {
  if (by === 'program') return { ...options, ...HELP_OPTION };
  return { ...options, ...(by === 'router' ? CONNECTION_OPTIONS : {}), ...OUTPUT_OPTIONS, ...HELP_OPTION };
}

const EXITS = `Exit codes:
  0   done, and all is well
  1   the router said no, or something is wrong: a probe failed, a deployment is unknown
  64  wrong usage
  69  no router can be reached
  77  not allowed: the admin key is missing or wrong
  78  the configuration is faulty`;

export function overallHelp(commands: readonly Command[]): string {
  const rows = commands.map(({ name, synopsis, about }) => [`${name} ${synopsis}`.trimEnd(), about] as const);
  return `Usage: openai-router COMMAND [options]

Runs an Azure OpenAI router, checks its configuration, and asks one that runs.

Commands:
${listed([...rows, ['help [COMMAND]', 'this text, or that of a command']])}

Options of the commands that ask a router:
${optionList({ ...CONNECTION_OPTIONS, ...OUTPUT_OPTIONS })}

  --version             the version of this program

${EXITS}

openai-router help COMMAND shows its options, with examples to paste.
`;
}

export function commandHelp(command: Command): string {
  const common =
    command.by === 'router'
      ? { ...CONNECTION_OPTIONS, ...OUTPUT_OPTIONS }
      : command.by === 'itself'
        ? OUTPUT_OPTIONS
        : {};
  const parts = [
    `Usage: ${`openai-router ${command.name} ${command.synopsis}`.trimEnd()} [options]`,
    sentence(command.about),
    wrapped(command.more ?? '', WIDTH).join('\n'),
    `Options:\n${optionList({ ...command.options, ...common, ...HELP_OPTION })}`,
    `Examples:\n${command.examples.map(({ line, does }) => `  # ${does}\n  ${line}`).join('\n')}`,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function sentence(about: string): string {
  return `${about.charAt(0).toUpperCase()}${about.slice(1)}.`;
}

function optionList(options: Options): string {
  return listed(
    Object.entries(options).map(([name, { value, about }]) => [
      `${name === 'help' ? '-h, ' : ''}--${name}${value === undefined ? '' : ` ${value}`}`,
      about,
    ]),
  );
}

const INDENT = 22;
const WIDTH = 100;

function listed(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([left, right]) => entry(left, right)).join('\n');
}

function entry(left: string, right: string): string {
  const lines = wrapped(right, WIDTH - INDENT);
  const pad = `\n${' '.repeat(INDENT + 2)}`;
  const head = left.length > INDENT - 2 ? `  ${left}${pad}` : `  ${left.padEnd(INDENT)}`;
  return head + lines.join(pad);
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
