/** Whatever is typed and whatever is answered: a sentence and an exit code, never a stack trace, an escape sequence or a secret. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { optionsOf } from '../../src/cli/help.ts';
import { AGENTS, EVENTS, EXPLAINED, KEYS, MADE, PROBES, QUOTAS, TROUBLED, USED } from './fleet.ts';
import { play } from './stage.ts';

const EXITS = [0, 1, 64, 69, 77, 78];
const SECRET = 'secret-of-the-admin';
const RUNS = 600;

const commands = COMMANDS.filter(({ by }) => by !== 'program');
const names = fc.constantFrom(...commands.map(({ name }) => name.split(' ')));
const options = fc.constantFrom(
  ...new Set(commands.flatMap((one) => Object.keys(optionsOf(one)).map((name) => `--${name}`))),
);
const scrap = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('-', '--', '', '1h', '2026-11-21', 'A/gpt-4.1', '-1', '__proto__', 'constructor'),
);
const lines = fc
  .tuple(fc.oneof(names, fc.array(scrap, { maxLength: 2 })), fc.array(fc.oneof(options, scrap), { maxLength: 6 }))
  .map(([name, rest]) => [...name, ...rest]);

/** An answer as it should be, of which a part is something else. */
const answers = fc
  .tuple(
    fc.constantFrom<object>(TROUBLED, AGENTS, EVENTS, KEYS, MADE, QUOTAS, USED, EXPLAINED, PROBES, AGENTS.items[0]!),
    fc.nat(400),
    fc.jsonValue(),
  )
  .map(([answer, at, value]) => {
    let leaf = 0;
    return JSON.stringify(answer, (_key, part: unknown) => (leaf++ === at ? value : part));
  });
const bodies = fc.oneof(answers, fc.json(), fc.string({ unit: 'binary' }));
const statuses = fc.oneof(
  { weight: 4, arbitrary: fc.constant(200) },
  { weight: 1, arbitrary: fc.constantFrom(302, 400, 401, 403, 404, 429, 500, 503) },
);

describe('whatever is typed and answered', () => {
  it('ends in an exit code and in sentences', async () => {
    await fc.assert(
      fc.asyncProperty(lines, bodies, statuses, fc.boolean(), async (argv, body, status, isTerminal) => {
        const send = () => Promise.resolve(new Response(body, { status }));
        const { exit, stdout, stderr } = await play(argv, {
          isTerminal,
          columns: 80,
          env: { ROUTER_ADMIN_KEY: SECRET, NO_COLOR: '1' },
          stdin: '{"model": "x"}',
          parts: { send },
        });
        expect(EXITS).toContain(exit);
        expect(stderr).not.toMatch(/\n\s+at |\[object Object\]/);
        if (exit !== 0 && stdout === '') expect(stderr).toMatch(/openai-router: /);
        expect(stdout + stderr).not.toContain(SECRET);
        const drawn = stdout.replaceAll('\u001b[H\u001b[2J', '');
        const isAsItCame = argv.some((word) => /^--(?:json|csv)/.test(word));
        if (!isAsItCame) expect(drawn + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
      }),
      { numRuns: RUNS },
    );
  }, 60_000);
});
