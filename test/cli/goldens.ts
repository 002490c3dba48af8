/** `UPDATE_GOLDENS=1 npm test -- test/cli` writes what is seen now; the difference is then a matter of review. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CASES, type Case } from './cases.ts';
import { scripted } from './scripted.ts';
import { HERE, play, type Seen, wordsOf } from './stage.ts';

export const IS_UPDATING = (process.env['UPDATE_GOLDENS'] ?? '') !== '';

export function goldenPath({ name }: Pick<Case, 'name'>): string {
  return join(HERE, 'golden', `${name}.txt`);
}

/** The screen as a person has it: what was typed, and what came. */
export async function screenOf(one: Case): Promise<{ readonly seen: Seen; readonly screen: string }> {
  await using server = one.script === undefined ? null : await scripted(one.script);
  const seen = await play(wordsOf(one.line), { ...one.stage, ...(server === null ? {} : { router: server.url }) });
  // Ends of lines cannot be seen, and git keeps one kind of them.
  return { seen, screen: `$ openai-router ${one.line}\n${seen.screen}`.replaceAll('\r\n', '\n') };
}

export function golden(one: Pick<Case, 'name'>): string | null {
  return existsSync(goldenPath(one)) ? readFileSync(goldenPath(one), 'utf8') : null;
}

export function keep(one: Case, screen: string): void {
  writeFileSync(goldenPath(one), screen);
}

/** Typed line → what a person sees. Where a line stands in several cases, the first one is the one to show. */
export function goldensByLine(): ReadonlyMap<string, string> {
  const byLine = new Map<string, string>();
  for (const one of CASES) {
    const text = golden(one);
    if (text !== null && !byLine.has(one.line)) byLine.set(one.line, text);
  }
  return byLine;
}
