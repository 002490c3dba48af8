import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { RULES } from './rules.ts';
import { importsOf, readTree } from './source.ts';

describe('the source tree', () => {
  const tree = readTree(fileURLToPath(new URL('../../src', import.meta.url)));

  it.each(Object.entries(RULES))('%s', async (_name, rule) => {
    expect(await rule(tree)).toEqual([]);
  });
});

/** One small tree that breaks the rule, and what the rule has to say. */
const OFFENCES: readonly { rule: keyof typeof RULES; files: Record<string, string>; says: string[] }[] = [
  {
    rule: 'every place in src/ has its line in layers.ts',
    files: { 'manager/index.ts': '', 'relay/a.ts': '', 'extra.ts': '' },
    says: [
      'src/manager is not in layers.ts: say what it may import.',
      'src/extra.ts is not in layers.ts: say what it may import.',
    ],
  },
  {
    rule: 'imports point one way',
    files: {
      'domain/a.ts': "import { decide } from '../routing/decide.ts';",
      'routing/decide.ts': "import type { State } from '../state/port.ts';\nimport { a } from '../domain/a.ts';",
      'relay/r.ts': "export {\n  compose,\n} from '../compose.ts';\nimport { s } from './s.ts';",
      'usage/u.ts': "export const later = () => import('../relay/r.ts');",
      'upstream/p.ts': "export function f(x: import('../relay/r.ts').Relay): void {}",
      'compose.ts': "import './upstream/p.ts';",
    },
    says: [
      'routing/decide.ts may not import ../state/port.ts.',
      'upstream/p.ts may not import ../relay/r.ts.',
      'domain/a.ts may not import ../routing/decide.ts.',
      'relay/r.ts may not import ../compose.ts.',
      'usage/u.ts may not import ../relay/r.ts.',
    ],
  },
  {
    rule: 'some know only the types of others',
    files: {
      'client/c.ts': "import { a } from '../domain/a.ts';\nimport type { B } from '../domain/b.ts';",
      'http/h.ts':
        "import type { State } from '../state/port.ts';\nexport const x = () => import('../state/table.ts');",
    },
    says: [
      'client/c.ts takes more than types from ../domain/a.ts.',
      'http/h.ts takes more than types from ../state/table.ts.',
    ],
  },
  {
    rule: 'no file imports itself by way of others',
    files: {
      'relay/a.ts': "import { b } from './b.ts';\nexport const a = b;",
      'relay/b.ts': "import { c } from './deep/c.ts';\nexport const b = c;",
      'relay/deep/c.ts': "import { a } from '../a.ts';\nexport const c = a;",
    },
    says: ['A circle: relay/a.ts -> relay/b.ts -> relay/deep/c.ts -> relay/a.ts.'],
  },
  {
    rule: 'each SDK has one home',
    files: {
      'relay/a.ts': "import { Pool } from 'undici';",
      'config/b.ts': "import * as z from 'zod/mini';",
      'http/c.ts': "import type { HttpRequest } from '@azure/functions';",
      'http/d.ts': "export const x = () => import('left-pad');",
    },
    says: [
      'http/c.ts imports @azure/functions, whose home is functions, main.ts.',
      'relay/a.ts imports undici, whose home is upstream.',
      'http/d.ts imports left-pad, which has no home in layers.ts.',
    ],
  },
  {
    rule: 'domain/ and routing/ do without Node',
    files: { 'routing/h.ts': "import { createHash } from 'node:crypto';", 'relay/r.ts': "import 'node:crypto';" },
    says: ['routing/h.ts imports node:crypto.'],
  },
  {
    rule: 'only what starts a process reads its environment',
    files: {
      'config/a.ts': 'export const key = process.env.KEY;',
      'config/b.ts': 'const { env } = process;\nexport const key = env.KEY;',
      'config/c.ts': "import { env } from 'node:process';\nexport const key = env.KEY;",
      'config/d.ts': "// process.env is read elsewhere\nexport const text = 'process.env';",
      'main.ts': 'export const key = process.env.KEY;',
    },
    says: [
      'config/a.ts reads the environment.',
      'config/b.ts reads the environment.',
      'config/c.ts reads the environment.',
    ],
  },
  {
    rule: 'decisions take time and chance as arguments',
    files: {
      'routing/a.ts': 'export const now = () => Date.now() + Math.random() + +new Date();',
      'routing/b.ts': 'export async function f(p: Promise<void>) { await p; }',
      'routing/c.ts':
        "/** Date, await, process: none of them. */\nexport const why = 'await the process', at = (text: string) => Date.parse(text);",
      'relay/d.ts': 'export const now = () => Date.now();',
    },
    says: ['routing/a.ts uses Date.', 'routing/a.ts uses Math.random.', 'routing/b.ts uses await.'],
  },
  {
    rule: 'no folder has a name that says nothing',
    files: { 'relay/utils/a.ts': '', 'relay/types.ts': '' },
    says: ['A folder is called utils.'],
  },
  {
    rule: 'no file is longer than 300 lines',
    files: { 'relay/long.ts': '//\n'.repeat(301), 'relay/full.ts': '//\n'.repeat(300) },
    says: ['relay/long.ts has 301 lines.'],
  },
];

describe('the rules', () => {
  it.each(OFFENCES)('see where this is broken: $rule', async ({ rule, files, says }) => {
    const found = await RULES[rule](new Map(Object.entries(files)));
    expect([...found].sort()).toEqual([...says].sort());
  });

  it('each have a tree that breaks them', () => {
    expect(OFFENCES.map(({ rule }) => rule)).toEqual(Object.keys(RULES));
  });

  it('are content with a tree that keeps them, and with folders that do not exist yet', async () => {
    const tree = new Map([
      ['domain/a.ts', 'export const a = 1;'],
      ['routing/decide.ts', "import { a } from '../domain/a.ts';\nexport const decide = () => a;"],
      [
        'main.ts',
        "import { app } from '@azure/functions';\nimport { compose } from './compose.ts';\ncompose(process.env, app);",
      ],
      [
        'compose.ts',
        "import { decide } from './routing/decide.ts';\nexport const compose = (...all: unknown[]) => [all, decide];",
      ],
    ]);
    for (const rule of Object.values(RULES)) expect(await rule(tree)).toEqual([]);
  });

  it('do not take a circle of types for one of values', async () => {
    const tree = new Map([
      ['relay/a.ts', "import type { B } from './b.ts';\nexport interface A { b: B }"],
      ['relay/b.ts', "import { type A } from './c.ts';\nexport interface B { a: A }"],
      ['relay/c.ts', "export type { A } from './a.ts';"],
    ]);
    expect(await RULES['no file imports itself by way of others'](tree)).toEqual([]);
    const kinds = (await importsOf(tree)).map((one) => `${one.from} ${one.kind}`).sort();
    expect(kinds).toEqual(['relay/a.ts type', 'relay/b.ts value', 'relay/c.ts type']);
  });
});
