/** What may happen to a fleet, as commands for fast-check. */
import fc from 'fast-check';
import type { DeploymentId } from '../../src/domain/deployment.ts';
import { RouterError } from '../../src/domain/errors.ts';
import type { Finding } from '../../src/domain/health.ts';
import { availability } from '../../src/routing/availability.ts';
import { type ManualClock, settled } from '../harness/manualClock.ts';
import { BrittleStore, type Trouble } from './brittleStore.ts';
import { A, B, C, finding, fleetOf } from './fleet.ts';
import { AGENTS, DEPLOYMENTS, Guarantees, type Member, THRESHOLD } from './guarantees.ts';
import { SHEET, SheetHistory } from './sheetHistory.ts';

const HOUR_MS = 3_600_000;

/** Windows of failures are longer than any run: what they forget is not looked at here. */
const CONFIG = {
  agents: { homes: { cpt_agent: A, icd_agent: B }, failureThreshold: 3, failureWindowMs: HOUR_MS },
  breaker: { failures: THRESHOLD, windowMs: HOUR_MS, openMs: 30_000, maxOpenMs: 300_000, refreshMs: 1_000 },
};

export interface WorldFacts {
  readonly count: number;
  readonly seed: number;
  /** Passed before each call of the store and before its answer; without it each deed is done before the next one begins. */
  readonly gate?: () => Promise<void>;
}

export class World {
  readonly clock: ManualClock;
  readonly history: SheetHistory;
  readonly guarantees: Guarantees;
  readonly members: readonly Member[];
  readonly isOverlapping: boolean;
  readonly #stores = new Map<string, BrittleStore>();
  readonly #pending = new Set<Promise<void>>();
  readonly #failed: unknown[] = [];
  /** Probes that were granted, and have not been heard of. */
  readonly probes = new Map<string, number>();

  constructor({ count, seed, gate }: WorldFacts) {
    this.isOverlapping = gate !== undefined;
    const draw = drawFrom(seed);
    const { clock, add } = fleetOf({ count: 0, extra: CONFIG, draw });
    this.clock = clock;
    this.history = new SheetHistory(() => clock.now());
    this.guarantees = new Guarantees(this.history);
    this.members = Array.from({ length: count }, (_, at) => {
      const name = `i${at + 1}`;
      const store = new BrittleStore(this.history);
      if (gate !== undefined) store.gate = gate;
      this.#stores.set(name, store);
      return Object.assign(add(name, store), { name, isAlive: true, exchangedAt: 0 });
    });
  }

  get alive(): readonly Member[] {
    return this.members.filter(({ isAlive }) => isAlive);
  }

  reach(name: string): BrittleStore {
    const store = this.#stores.get(name);
    if (store === undefined) throw new Error(`there is no ${name}`);
    return store;
  }

  /** Whether nothing that it has just asked can have reached the store. */
  isCutOff(name: string): boolean {
    return !this.isOverlapping && this.reach(name).trouble === 'down';
  }

  /** All deeds take at least a millisecond, so that no two happen at the same instant. */
  async do(deed: () => Promise<void>): Promise<void> {
    this.clock.advance(1);
    const done = deed().catch((error: unknown) => void this.#failed.push(error));
    const pending = done.finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
    if (!this.isOverlapping) await this.finish();
    this.look();
  }

  /** Lets time pass as long as somebody waits for it. */
  async finish(wait: () => Promise<void> = settled): Promise<void> {
    await wait();
    for (let passed = 0; this.#pending.size > 0; passed++) {
      if (passed > 2_000) throw new Error('a deed does not come to its end');
      this.clock.advance(1);
      await wait();
    }
  }

  look(): void {
    for (const error of this.#failed) throw error;
    this.guarantees.observe(this.members, this.clock.now());
  }

  async exchange(member: Member): Promise<void> {
    const begunAt = this.clock.now();
    await member.state.exchange();
    if (member.state.watch.isHealthy) member.exchangedAt = Math.max(member.exchangedAt, begunAt);
  }

  /** The store is back, and everybody reads what everybody told. */
  async converge(): Promise<void> {
    for (const { name } of this.alive)
      Object.assign(this.reach(name), { trouble: 'none', gate: () => Promise.resolve() });
    await this.finish();
    for (let round = 0; round < 3; round++) {
      await this.clock.pass(150);
      for (const member of this.alive) {
        const exchanged = this.exchange(member);
        await settled();
        await this.clock.pass(1);
        await exchanged;
        this.look();
      }
    }
    this.guarantees.converged(this.members, this.clock.now());
  }
}

/** An even draw from a seed (mulberry32). */
function drawFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Deed = (world: World, member: Member) => Promise<void>;

class DeedCommand implements fc.AsyncCommand<Guarantees, World> {
  readonly #name: string;
  readonly #at: number;
  readonly #deed: Deed;

  constructor(name: string, at: number, deed: Deed) {
    this.#name = name;
    this.#at = at;
    this.#deed = deed;
  }

  check(): boolean {
    return true;
  }

  async run(_: Guarantees, world: World): Promise<void> {
    const member = world.members[this.#at % world.members.length];
    if (member?.isAlive === true) await world.do(() => this.#deed(world, member));
  }

  toString(): string {
    return `i${this.#at + 1} ${this.#name}`;
  }
}

/** In between, as at the end. */
class Convergence implements fc.AsyncCommand<Guarantees, World> {
  check(): boolean {
    return true;
  }

  async run(_: Guarantees, world: World): Promise<void> {
    if (!world.isOverlapping) await world.converge();
  }

  toString(): string {
    return 'all converge';
  }
}

type Outcome = Finding['outcome'];

function request(id: DeploymentId, outcome: Outcome, retryAfterMs: number): Deed {
  return ({ clock, guarantees }, member) => {
    const at = clock.now();
    if (outcome === 'failing') guarantees.failing(member, id, at);
    if (outcome === 'ok') guarantees.ok(member, id, at);
    if (outcome === 'throttled') guarantees.of(id).rests.push({ by: member.name, at, until: at + retryAfterMs });
    member.state.record(finding(id, outcome, { at, retryAfterMs }));
    return Promise.resolve();
  };
}

/** So many answers that one failure among them is everyday. */
function busy(id: DeploymentId): Deed {
  return async (world, member) => {
    for (let answer = 0; answer < 12; answer++) await request(id, 'ok', 0)(world, member);
  };
}

function claim(id: DeploymentId): Deed {
  return async ({ clock, probes }, member) => {
    const { kind } = availability(member.state.health(id), clock.now());
    if (kind === 'probe' && (await member.state.claimProbe(id, clock.now(), true)))
      probes.set(`${member.name} ${id}`, clock.now());
  };
}

function answer(id: DeploymentId, outcome: Outcome | 'dropped'): Deed {
  return ({ clock, probes, guarantees }, member) => {
    const { name, state } = member;
    if (!probes.delete(`${name} ${id}`)) return Promise.resolve();
    const at = clock.now();
    // Others had closed it when the probe was asked for, or have since: its outcome is that of any request.
    if (state.health(id).breaker.kind === 'closed') {
      if (outcome === 'failing') guarantees.failing(member, id, at);
      if (outcome === 'ok') guarantees.ok(member, id, at);
    }
    const kind = outcome === 'dropped' ? 'dropped' : outcome === 'failing' ? 'failed' : 'answered';
    guarantees.say({ deployment: id, by: name, kind, at });
    if (outcome === 'throttled') guarantees.of(id).rests.push({ by: name, at, until: at + 2_000 });
    if (outcome === 'dropped') state.dropProbe(id);
    else state.record(finding(id, outcome, { at, probe: true, retryAfterMs: 2_000 }));
    return Promise.resolve();
  };
}

/** Enough failures to move it. */
function agentOutage(name: string): Deed {
  return async (world, member) => {
    for (let count = 0; count < 3; count++) await agent(name, true)(world, member);
  };
}

function agent(name: string, failed: boolean): Deed {
  return ({ clock }, { state }) => {
    const on = state.assignment(name)?.deployment ?? (name === 'cpt_agent' ? A : B);
    state.recordAgent({ agent: name, on, failed, at: clock.now(), fallback: on === C ? B : C, cause: 'failing' });
    return Promise.resolve();
  };
}

/** "What operators want changed is refused with 503 meanwhile"; where only the answer was lost, it may have been done. */
function change(
  world: World,
  { name }: Member,
  what: { readonly name: string; readonly value: string | null },
  act: () => Promise<boolean>,
): Promise<void> {
  return world.guarantees.change(
    what.name,
    () => world.clock.now(),
    async (before) => {
      try {
        return (await act()) ? what.value : before;
      } catch (error) {
        if (!(error instanceof RouterError) || error.status !== 503) throw error;
        return world.isCutOff(name) ? before : 'unknown';
      }
    },
  );
}

function drain(id: DeploymentId): Deed {
  return (world, member) =>
    change(world, member, { name: id, value: 'drained' }, () => member.operations.drain(id).then(() => true));
}

function restore(id: DeploymentId): Deed {
  return async (world, member) => {
    const { guarantees, clock, history } = world;
    const said = { deployment: id, by: member.name };
    const begun = { ...said, kind: 'perhapsRestored' as const, at: clock.now() };
    guarantees.say(begun);
    await change(world, member, { name: id, value: null }, async () => {
      await member.operations.restore(id);
      guarantees.say({ ...said, kind: 'restored', at: begun.at });
      return true;
    });
    // Where the store was not even reached, nothing was changed.
    if (world.isCutOff(member.name)) history.words.splice(history.words.indexOf(begun), 1);
    else guarantees.say({ ...begun, at: clock.now() });
  };
}

function pin(name: string, to: DeploymentId): Deed {
  return (world, member) =>
    change(world, member, { name, value: `pinned to ${to}` }, () =>
      member.operations.assign(name, to, true).then(() => true),
    );
}

function unpin(name: string): Deed {
  return (world, member) => change(world, member, { name, value: null }, () => member.operations.release(name));
}

function trouble(kind: Trouble, everybody: boolean): Deed {
  return (world, member) => {
    for (const { name } of everybody ? world.alive : [member]) world.reach(name).trouble = kind;
    return Promise.resolve();
  };
}

/** Its store is gone for good, so that nothing it has still to say is heard. */
const die: Deed = (world, member) => {
  if (world.alive.length < 2) return Promise.resolve();
  member.isAlive = false;
  world.reach(member.name).trouble = 'down';
  return Promise.resolve();
};

const TEARS = ['nonsense', 'nonsense with born', 'emptied'] as const;

function tear(table: 'deployments' | 'assignments', how: (typeof TEARS)[number]): Deed {
  return async ({ history, guarantees, members, clock }) => {
    const key = { ...SHEET, table };
    const row = await history.get(key);
    if (row === null) return;
    guarantees.tear(members, clock.now());
    if (how === 'emptied') await history.remove(key, null);
    else {
      const { born, ...values } = row.values;
      await history.put(key, {
        ...values,
        ...(how === 'nonsense' ? {} : { born: born ?? '' }),
        content: 'not what it was',
      });
    }
  };
}

function pass(ms: number): Deed {
  return async ({ clock, isOverlapping }) => {
    if (isOverlapping) clock.advance(ms);
    else await clock.pass(ms);
  };
}

const deployment = fc.constantFrom(...DEPLOYMENTS);
const agentName = fc.constantFrom(...AGENTS);

type Named = readonly [string, Deed];

const one = (name: string, deed: Deed): fc.Arbitrary<Named> => fc.constant([name, deed] as const);
const on = (name: string, deed: (id: DeploymentId) => Deed): fc.Arbitrary<Named> =>
  deployment.map((id) => [`${name} ${id}`, deed(id)] as const);
const times = (count: number, arbitrary: fc.Arbitrary<Named>): fc.Arbitrary<Named>[] =>
  Array.from({ length: count }, () => arbitrary);

/** Enough failures in a row to open the breaker. */
function outage(id: DeploymentId): Deed {
  return async (world, member) => {
    for (let count = 0; count < THRESHOLD; count++) await request(id, 'failing', 0)(world, member);
  };
}

const EVERYDAY: readonly fc.Arbitrary<Named>[] = [
  ...times(
    3,
    one('exchanges', (world, member) => world.exchange(member)),
  ),
  ...times(
    2,
    on('fails', (id) => request(id, 'failing', 0)),
  ),
  ...times(2, on('fails as often as it takes', outage)),
  ...times(2, on('claims the probe of', claim)),
  fc
    .tuple(deployment, fc.constantFrom('ok', 'failing', 'dropped', 'other', 'throttled'))
    .map(([id, outcome]) => [`probe of ${id}: ${outcome}`, answer(id, outcome as Outcome | 'dropped')] as const),
  on('is served by', (id) => request(id, 'ok', 0)),
  on('is served often by', busy),
  fc
    .tuple(deployment, fc.constantFrom(500, 5_000, 60_000))
    .map(([id, ms]) => [`is throttled by ${id} for ${ms}`, request(id, 'throttled', ms)] as const),
  on('is misconfigured for', (id) => request(id, 'misconfigured', 0)),
  ...times(
    2,
    fc.constantFrom(60, 2_000, 11_000, 31_000).map((ms) => [`${ms} ms pass`, pass(ms)] as const),
  ),
  fc
    .tuple(agentName, fc.boolean())
    .map(([name, failed]) => [`${name} ${failed ? 'fails' : 'is served'}`, agent(name, failed)] as const),
  on('drains', drain),
  on('restores', restore),
  agentName.map((name) => [`${name} fails as often as it takes`, agentOutage(name)] as const),
  agentName.map((name) => [`pins ${name}`, pin(name, C)] as const),
  agentName.map((name) => [`unpins ${name}`, unpin(name)] as const),
  one('dies', die),
  fc
    .tuple(fc.constantFrom<Trouble>('none', 'none', 'down', 'answersLost'), fc.boolean())
    .map(([kind, all]) => [`store for ${all ? 'all' : 'it'}: ${kind}`, trouble(kind, all)] as const),
];

/** What windows, claims and probes of one deployment are about, so that runs get far with them. */
const PROBING: readonly fc.Arbitrary<Named>[] = [
  ...times(
    2,
    one('exchanges', (world, member) => world.exchange(member)),
  ),
  ...times(2, one(`fails as often as it takes ${A}`, outage(A))),
  ...times(3, one(`claims the probe of ${A}`, claim(A))),
  ...times(
    2,
    fc
      .constantFrom<Outcome | 'dropped'>('ok', 'failing', 'failing', 'dropped')
      .map((outcome) => [`probe of ${A}: ${outcome}`, answer(A, outcome)] as const),
  ),
  ...times(
    3,
    fc.constantFrom(60, 11_000, 31_000, 61_000).map((ms) => [`${ms} ms pass`, pass(ms)] as const),
  ),
  fc
    .tuple(fc.constantFrom<Trouble>('none', 'down', 'answersLost'), fc.boolean())
    .map(([kind, all]) => [`store for ${all ? 'all' : 'it'}: ${kind}`, trouble(kind, all)] as const),
];

const SPOILING: readonly fc.Arbitrary<Named>[] = [
  fc
    .tuple(fc.constantFrom('deployments' as const, 'assignments' as const), fc.constantFrom(...TEARS))
    .map(([table, how]) => [`${table}: ${how}`, tear(table, how)] as const),
];

const PLOTS = { everyday: EVERYDAY, probing: PROBING, spoiling: [...EVERYDAY, ...SPOILING] };

export interface DeedFacts {
  readonly most: number;
  readonly plot: keyof typeof PLOTS;
}

export function deeds({ most, plot }: DeedFacts): fc.Arbitrary<Iterable<fc.AsyncCommand<Guarantees, World>>> {
  const arbitraries = PLOTS[plot].map((named) =>
    fc.tuple(fc.nat(3), named).map(([at, [name, deed]]) => new DeedCommand(name, at, deed)),
  );
  const converge = fc.constant(null).map(() => new Convergence());
  return fc.commands<Guarantees, World, false>([...arbitraries, converge], { maxCommands: most, size: 'max' });
}
