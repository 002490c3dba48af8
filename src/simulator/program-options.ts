/** The program's arguments, read and checked apart from running it. */
import { DEFAULT_KEY, type Latency } from './fleet.ts';

export interface Options {
  readonly names: readonly string[];
  readonly port: number;
  readonly key: string;
  readonly host: string;
  readonly latency: Latency;
}

export type ReadOptions =
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problems: readonly string[] }
  | { readonly kind: 'run'; readonly options: Options };

export const USAGE = `Usage: npm run simulator -- [options]

A fake Azure OpenAI to develop against. Every endpoint has the same deployments.

  --port N             port of the first endpoint, the others follow (default 8080; 0: any free ports)
  --endpoints A,B      names of the endpoints (default A)
  --key K              the key that they accept (default ${DEFAULT_KEY})
  --host H             address to listen on (default 127.0.0.1)
  --first-token-ms N   wait before the first content (default 0)
  --chunk-ms N         wait between two chunks of a stream (default 0)
  --help               this text
`;

const NAMES = ['port', 'endpoints', 'key', 'host', 'first-token-ms', 'chunk-ms'] as const;
type Name = (typeof NAMES)[number];

export function readOptions(words: readonly string[]): ReadOptions {
  if (words.includes('--help') || words.includes('-h')) return { kind: 'help' };
  const { values, problems } = readWords(words);
  const whole = (name: Name, otherwise: number, most: number) => {
    const text = values.get(name);
    if (text === undefined) return otherwise;
    if (/^\d+$/.test(text) && Number(text) <= most) return Number(text);
    problems.push(`--${name} takes a whole number from 0 to ${most}, not "${text}".`);
    return otherwise;
  };
  const names = (values.get('endpoints') ?? 'A').split(',').map((name) => name.trim());
  const bad = names.find((name) => !/^[\w.-]+$/.test(name));
  if (bad !== undefined)
    problems.push(
      `--endpoints takes names of letters, digits, ".", "_" and "-", with commas between them; "${bad}" is none.`,
    );
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) problems.push(`--endpoints names "${twice}" twice.`);
  const port = whole('port', 8_080, 65_535);
  if (port + names.length - 1 > 65_535) problems.push(`--port ${port} leaves no ports for ${names.length} endpoints.`);
  const key = values.get('key') ?? DEFAULT_KEY;
  if (!/^[\x21-\x7e]+$/.test(key)) problems.push('--key takes printable ASCII without spaces, as a header can carry.');
  const latency = {
    headMs: 0,
    firstTokenMs: whole('first-token-ms', 0, 600_000),
    chunkMs: whole('chunk-ms', 0, 600_000),
  };
  if (problems.length > 0) return { kind: 'wrong', problems };
  return { kind: 'run', options: { names, port, key, host: values.get('host') ?? '127.0.0.1', latency } };
}

/** `--name value` and `--name=value`. */
function readWords(words: readonly string[]): { values: Map<Name, string>; problems: string[] } {
  const values = new Map<Name, string>();
  const problems: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const [, given = '', inline] = /^--([^=]+)(?:=(.*))?$/.exec(word) ?? [];
    const name = NAMES.find((known) => known === given);
    if (name === undefined) {
      problems.push(`"${word}" is not an option.`);
      continue;
    }
    const next = words[at + 1];
    const value = inline ?? (next?.startsWith('--') ? undefined : next);
    if (inline === undefined && value !== undefined) at += 1;
    if (value === undefined || value === '') problems.push(`--${name} needs a value.`);
    else values.set(name, value);
  }
  return { values, problems };
}
