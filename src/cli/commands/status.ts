/** `status`: everything in one look, once or every second. */
import type { AgentAnswer, PoolAnswer, StatusAnswer } from '../answers.ts';
import { type Call, type Command, printJson } from '../command.ts';
import type { ControlPlane } from '../controlPlane.ts';
import { clean, EXIT, type Exit, Failure, formatFailure, wrongUsage } from '../failure.ts';
import { clockTime, relative, type Times } from '../instants.ts';
import { isOut, stateWords } from '../states.ts';
import { type Cell, shortened, table } from '../table.ts';
import { deploymentTable } from './deployments.ts';

const WATCH_EVERY_MS = 1_000;
/** To the upper left corner, and everything gone. */
const CLEARED = '\u001b[H\u001b[2J';

export const STATUS: Command = {
  name: 'status',
  about: 'how deployments, pools, agents and the store stand',
  synopsis: '',
  fewest: 0,
  most: 0,
  by: 'router',
  options: {
    watch: { about: 'draws it anew every second until Ctrl-C; where stdout is no terminal, a line for each change' },
    'exit-code': { about: 'leaves with 1 where a deployment is out, a pool has nobody left or the store is away' },
  },
  examples: [
    { line: 'openai-router status', does: 'one look' },
    { line: 'openai-router status --watch', does: 'keep looking' },
    { line: 'openai-router status --exit-code > /dev/null || echo "something is out"', does: 'in a script' },
  ],
  run,
};

async function run(call: Call): Promise<Exit> {
  const router = await call.router();
  if (call.flags.has('watch')) return await watch(call, router);
  const status = await askStatus(router);
  if (call.json) printJson(call, status);
  else call.print(statusText(status, call, router.url));
  return call.flags.has('exit-code') && !isWell(status) ? EXIT.no : EXIT.ok;
}

function askStatus(router: ControlPlane, signal?: AbortSignal): Promise<StatusAnswer> {
  return router.ask<StatusAnswer>({ path: '/router/status', ...(signal === undefined ? {} : { signal }) });
}

function isWell({ deployments, pools, store }: StatusAnswer): boolean {
  return !deployments.some(isOut) && pools.every((pool) => pool.current_index !== null) && store.healthy;
}

/** The router's own clock counts: a countdown should not go wrong by this machine's. */
function timesAt(status: StatusAnswer, { zone, now }: Times): Times {
  const at = Date.parse(status.at);
  return { zone, now: Number.isFinite(at) ? at : now };
}

export function statusText(status: StatusAnswer, call: Pick<Call, 'look' | 'paint' | 'times'>, url: string): string {
  const times = timesAt(status, call.times());
  const away = status.agents.filter(({ why }) => why !== 'home' && why !== 'defaultHome' && why !== null);
  const parts = [
    `${headline(status, call, url)}\n`,
    deploymentTable(status.deployments, call.look, times),
    table(
      [{ title: 'POOL' }, { title: 'STRATEGY' }, { title: 'NOW' }],
      status.pools.map((pool) => poolRow(pool, status.defaultPool)),
      call.look,
    ),
    away.length === 0 ? '' : awayTable(away, call, times),
    `${storeLine(status, times)}\n`,
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function headline(status: StatusAnswer, { paint, look }: Pick<Call, 'paint' | 'look'>, url: string): string {
  const all = status.deployments.length;
  const out = status.deployments.filter(isOut).length;
  const dead = status.pools.filter((pool) => pool.current_index === null).map(({ name }) => name);
  const words =
    out === 0 ? `all ${all} deployments can serve` : `${out} of ${all} deployments ${out === 1 ? 'is' : 'are'} out`;
  const left = dead.length === 0 ? '' : `; nobody is left in ${dead.join(', ')}`;
  const text = clean(`${url}: ${words}${left}`);
  return paint(
    dead.length > 0 ? 'red' : out > 0 ? 'yellow' : 'green',
    look.width === null ? text : shortened(text, look.width),
  );
}

function poolRow(pool: PoolAnswer, defaultPool: string): (Cell | string)[] {
  const { current_index: at, current_endpoint: current = null } = pool;
  const now: Cell =
    at === null || current === null
      ? { text: 'nobody is left', colour: 'red' }
      : at === 0
        ? { text: current, colour: 'green' }
        : { text: `${current} (backup ${at} of ${pool.total_endpoints - 1})`, colour: 'yellow' };
  return [pool.name === defaultPool ? `${pool.name} (default)` : pool.name, pool.strategy, now];
}

function awayTable(agents: readonly AgentAnswer[], { look }: Pick<Call, 'look'>, times: Times): string {
  const columns = [{ title: 'AGENT AWAY' }, { title: 'ON' }, { title: 'HOME' }, { title: 'WHY' }, { title: 'BACK' }];
  const rows = agents.map(({ agent, assignment, home, why, cause, returnAt }) => [
    agent,
    assignment ?? '-',
    home ?? '-',
    cause === null || cause === '' ? (why ?? '-') : `${why ?? '-'} (${cause})`,
    returnAt === null ? 'when it is told to' : relative(returnAt, times),
  ]);
  return table(columns, rows, look);
}

function storeLine({ store }: StatusAnswer, times: Times): string {
  const where = store.kind === 'memory' ? "this instance's memory" : 'Table Storage';
  const who = store.shared ? `shared by ${store.instances} instances` : 'not shared';
  if (store.healthy) return clean(`State lies in ${where}, ${who}.`);
  const since = store.since === null ? '' : ` since ${clockTime(store.since, times)}, ${relative(store.since, times)}`;
  return clean(
    `The store (${where}) is away${since}: ${store.problem ?? 'no reason is known'}. Routing goes on by what each instance knows.`,
  );
}

async function watch(call: Call, router: ControlPlane): Promise<Exit> {
  if (call.json) throw wrongUsage('--watch is for people, --json for programs: one of the two.');
  const { on } = call;
  // The first look is to fail as any other command does; later ones only say so.
  let status = await askStatus(router);
  const interruption = on.interruption();
  const isOver = (): boolean => interruption.aborted;
  const isScreen = on.stdout.isTerminal;
  const changes = new Map<string, string>();
  let problem = '';
  for (;;) {
    if (isScreen) call.print(`${CLEARED}${statusText(status, call, router.url)}\n${problem}Ctrl-C ends.\n`);
    else call.print(changedLines(status, changes, call.times()));
    await on.sleep(WATCH_EVERY_MS, interruption);
    if (isOver()) return EXIT.ok;
    try {
      status = await askStatus(router, interruption);
      problem = '';
    } catch (error) {
      if (isOver()) return EXIT.ok;
      if (!(error instanceof Failure)) throw error;
      const text = formatFailure(error.parts);
      if (!isScreen && text !== problem) call.tell(text);
      problem = text;
    }
  }
}

/** One line for each deployment whose state is another than before. */
function changedLines(status: StatusAnswer, before: Map<string, string>, machine: Times): string {
  const times = timesAt(status, machine);
  const lines = status.deployments.filter((one) => {
    const now = `${one.state} ${one.until ?? ''}`;
    if (before.get(one.id) === now) return false;
    before.set(one.id, now);
    return true;
  });
  const at = clockTime(status.at, times);
  return lines.map((one) => `${clean(`${at} ${one.id}: ${stateWords(one, times)}`)}\n`).join('');
}
