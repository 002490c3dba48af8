/** What the docs show is what is seen, and what they tell to type is understood. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { EXIT } from '../../src/cli/failure.ts';
import { goldensByLine, IS_UPDATING } from './goldens.ts';
import { play, wordsOf } from './stage.ts';

const DOCS = join(import.meta.dirname, '../../docs');
const CLI = join(DOCS, 'cli.md');
const BLOCK = /^```console\n\$ openai-router ([^\n]*)\n([\s\S]*?)^```$/gm;

const goldens = goldensByLine();

if (IS_UPDATING) {
  const text = readFileSync(CLI, 'utf8');
  writeFileSync(
    CLI,
    text.replaceAll(BLOCK, (block, line: string) =>
      goldens.has(line) ? `\`\`\`console\n${goldens.get(line) ?? ''}\`\`\`` : block,
    ),
  );
}

const text = readFileSync(CLI, 'utf8');
const runbooks = readFileSync(join(DOCS, 'runbooks.md'), 'utf8');

describe('docs/cli.md', () => {
  const blocks = [...text.matchAll(BLOCK)].map(([, line = '', output = '']) => [line, output] as const);

  it.each(blocks)('shows what is seen of: openai-router %s', (line, output) => {
    expect(`$ openai-router ${line}\n${output}`).toBe(goldens.get(line));
  });

  it('shows every command, under its own title', () => {
    const titles = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
    expect(titles).toEqual(COMMANDS.map(({ name }) => name));
    const shown = COMMANDS.filter(({ name }) => !blocks.some(([line]) => line === name || line.startsWith(`${name} `)));
    expect(shown).toEqual([]);
  });

  it('lists every exit code', () => {
    for (const code of Object.values(EXIT)) expect(text).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
  });
});

/** Lines of shell, without what comes after a pipe or goes into a file. */
function typedIn(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].flatMap(([, block = '']) => block.split('\n'));
  return blocks
    .map((line) => line.trim().replace(/^(?:npx |npm run cli -- )/, ''))
    .filter((line) => line.startsWith('openai-router '))
    .map((line) => line.replace(/\s+(?:#|\||>|<|\|\|).*$/, '').replace(/^openai-router /, ''));
}

const EXAMPLES = COMMANDS.flatMap(({ examples }) =>
  typedIn(examples.map(({ line }) => `\`\`\`sh\n${line}\n\`\`\``).join('\n')),
);

describe('what the docs and the help tell to type', () => {
  const lines = [...new Set([...typedIn(text), ...typedIn(runbooks), ...EXAMPLES])];

  it('is found', () => {
    expect(lines.length).toBeGreaterThan(30);
    const unused = COMMANDS.filter(({ name }) => !lines.some((line) => line === name || line.startsWith(`${name} `)));
    expect(unused).toEqual([]);
  });

  it.each(lines)('is understood: openai-router %s', async (line) => {
    const parts = {
      send: () => Promise.reject(new Error('nobody is asked')),
      readFile: () => Promise.resolve('{"model": "gpt-4.1"}'),
      handOver: () => Promise.resolve(EXIT.ok),
    };
    const { exit, stderr } = await play(wordsOf(line), { stdin: 'key', env: { AZURE_OPENAI_API_KEY: 'k' }, parts });
    expect({ exit, stderr }).not.toMatchObject({ exit: EXIT.wrongUsage });
  });

  it('is under a title of its own for each thing that goes wrong', () => {
    const titles = [...runbooks.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
    expect(titles).toEqual([
      'A region is down',
      'Everything is 429',
      'A key leaked',
      'A deployment is retired',
      'The bill is too high',
      'The store is away',
    ]);
  });
});
