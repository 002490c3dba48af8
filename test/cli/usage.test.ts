/** Wrong usage: each fault in a sentence, with what was meant and what is allowed, before anybody is asked. */
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { optionsOf } from '../../src/cli/help.ts';
import { play, wordsOf } from './stage.ts';

const WRONG: readonly [line: string, ...says: string[]][] = [
  ['', 'A command is needed.', 'openai-router help'],
  ['--json', 'A command is needed beside --json.'],
  ['statsu', 'There is no command "statsu". Did you mean status?'],
  ['xyzzyxyzzy', 'There is no command "xyzzyxyzzy".', 'allowed:'],
  ['help statsu', 'Did you mean status?'],
  ['keys', 'keys needs a second word.', 'keys list, keys make, keys revoke'],
  ['keys mkae', 'Did you mean keys make?'],
  ['status --wacth', 'status has no option --wacth. Did you mean --watch?', 'openai-router status --help'],
  ['status -x', 'status has no option -x.'],
  ['status --watch=yes', '--watch takes no value.'],
  ['status extra', 'status takes options alone; found besides: "extra".'],
  ['status --wacth extra', '--wacth', '"extra"'],
  ['status --watch --json', 'one of the two'],
  ['drain', 'drain needs ID.'],
  ['drain ""', 'A name is empty.'],
  ['drain A/a B/b', 'found besides: "B/b"'],
  ['drain ..', '".." cannot be asked for by its name.'],
  ['move cpt_agent', 'move needs AGENT ID.'],
  ['failovers --since', '--since needs a value: --since TIME.'],
  ['failovers --since --limit 3', '--since needs a value: --since TIME'],
  ['failovers --since yesterday', '--since is neither a length nor an instant.', '"yesterday"', '15min'],
  ['failovers --since 2026-02-30', '--since is neither'],
  ['failovers --since 5constructor', '--since is neither'],
  ['failovers --limit 0', '--limit is no number of events.', '1 to 1000'],
  ['failovers --limit 1001', '1 to 1000'],
  ['usage --by modle', 'Did you mean model?', '"modle"'],
  ['usage --from 2026-13-01', '--from is no day.'],
  ['usage --csv --json', 'one of the two'],
  ['keys make', 'keys make needs --account NAME'],
  ['keys make --account x --expires soon', '--expires is neither', '"soon"'],
  ['explain', '--model M, or --body FILE'],
  ['explain --body nowhere.json', '--body cannot be read (ENOENT).', 'nowhere.json'],
  ['explain --body -', '--body is no JSON object.', 'stdin'],
  ['explain --body - --key -', 'both read stdin'],
  ['status --url nonsense', '--url is no address of a router.', '"nonsense"', 'http://127.0.0.1:7071'],
  ['status --url ftp://a', '--url is no address'],
  ['status --url http://me:hunter2@a', 'an address with a password'],
  ['status --timeout 0', '--timeout is no time to wait.', 'such as 5s'],
  ['status --timeout soon', '"soon"'],
  ['status --key -', 'The key on stdin is empty.'],
  ['status --key "a b"', 'characters that no key has'],
  ['--port 1 start', 'Options of start stand after it'],
];

describe('wrong usage', () => {
  it.each(WRONG)('openai-router %s', async (line, ...says) => {
    const asked: string[] = [];
    const send = (url: string) => {
      asked.push(url);
      return Promise.reject(new Error('nobody is asked'));
    };
    const { exit, stdout, stderr } = await play(wordsOf(line), { parts: { send } });
    expect(stderr).toMatch(/^openai-router: /);
    for (const text of says) expect(stderr).toContain(text);
    expect(stderr).not.toContain('hunter2');
    expect({ exit, stdout, asked }).toEqual({ exit: 64, stdout: '', asked: [] });
  });
});

describe('the help', () => {
  it('names every command and every common option', async () => {
    const { stdout } = await play(['help']);
    for (const { name } of COMMANDS) expect(stdout).toContain(`\n  ${name}`);
    for (const option of ['--url', '--key', '--json', '--no-color', '--timeout', '--version'])
      expect(stdout).toContain(option);
  });

  it.each(COMMANDS)('of $name is the same by three ways, and names its options', async (command) => {
    const words = command.name.split(' ');
    const first = await play([...words, '--help']);
    for (const argv of [
      ['help', ...words],
      [...words, '-h'],
    ])
      expect(await play(argv)).toEqual(first);
    for (const name of Object.keys(optionsOf(command))) expect(first.stdout).toContain(`--${name}`);
    expect(first.exit).toBe(0);
  });

  it('says that others see a key on the command line', async () => {
    expect((await play(['status', '--help'])).stdout).toMatch(/Others on this machine\s+see/);
  });

  it('has no line wider than a terminal of 100 columns, but for what is there to paste', async () => {
    for (const { name } of COMMANDS) {
      const { stdout } = await play(['help', ...name.split(' ')]);
      const wide = stdout.split('\n').filter((line) => line.length > 104 && !/^ {2}(?:openai-router|#)/.test(line));
      expect(wide).toEqual([]);
    }
  });
});
