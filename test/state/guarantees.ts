/**
 * What a fleet promises whoever watches it, as a small reference beside the real instances: it takes note of what happened, and says
 * where an instance shows what docs/state.md rules out. The sentences in quotes are that page's.
 */
import type { DeploymentId } from '../../src/domain/deployment.ts';
import type { BreakerState } from '../../src/domain/health.ts';
import type { FleetBreaker } from '../../src/fleet/deployments.ts';
import { A, B, type Instance } from './fleet.ts';
import { isRestoring, type SheetHistory, type Word } from './sheetHistory.ts';

export const DEPLOYMENTS: readonly DeploymentId[] = [A, B];
export const AGENTS = ['cpt_agent', 'icd_agent'];
export const THRESHOLD = 4;
export const MOST_SPREAD_MS = 1_000;

export interface Member extends Instance {
  readonly name: string;
  isAlive: boolean;
  /** When the last exchange began that the store answered. */
  exchangedAt: number;
}

interface Failure {
  readonly by: string;
  readonly at: number;
  /** "Not every failure is told." `may`: the reference does not say. */
  telling: 'must' | 'may' | 'never';
}

interface Success {
  readonly by: string;
  readonly at: number;
  /** It knew of failures that the fleet had been told of. */
  readonly knew: boolean;
}

interface Rest {
  readonly by: string;
  readonly at: number;
  readonly until: number;
}

interface Deployment {
  readonly failures: Failure[];
  readonly successes: Success[];
  readonly rests: Rest[];
  /** By each instance: answers to requests, and how many of them were failures. */
  readonly served: Map<string, number>;
  readonly failed: Map<string, number>;
  isUntouched: boolean;
}

/** Something that stays until somebody takes it back, as the operator was told. */
interface Standing {
  /** `'unknown'`: an operator was not told, or two were at once. */
  value: string | null;
  /** When it was changed, or perhaps changed. */
  readonly changedAt: number[];
  /** Changes under way; where there are several, nobody knows which comes last. */
  readonly underWay: Set<{ isAlone: boolean }>;
}

/** What an instance was seen to hold, and when it had last heard from the fleet by then. */
interface Seen<T> {
  readonly value: T;
  readonly since: number;
}

export class Guarantees {
  readonly #history: SheetHistory;
  readonly #deployments = new Map<DeploymentId, Deployment>();
  readonly #standings = new Map<string, Standing>();
  readonly #windows = new Map<string, Seen<number>>();
  readonly #stays = new Map<string, Seen<string>>();
  /** Whatever differed between instances, or was the last row's alone, when the row was spoilt. */
  readonly #torn = new Set<string>();
  #tornAt = 0;
  #isTorn = false;

  constructor(history: SheetHistory) {
    this.#history = history;
  }

  of(id: DeploymentId): Deployment {
    const known = this.#deployments.get(id);
    if (known !== undefined) return known;
    const made = { failures: [], successes: [], rests: [], served: new Map(), failed: new Map(), isUntouched: true };
    this.#deployments.set(id, made);
    return made;
  }

  standing(name: string): Standing {
    const known = this.#standings.get(name) ?? { value: null, changedAt: [], underWay: new Set() };
    this.#standings.set(name, known);
    return known;
  }

  failing(member: Member, id: DeploymentId, at: number): void {
    const known = this.of(id);
    const { name: by } = member;
    const failed = (known.failed.get(by) ?? 0) + 1;
    known.failed.set(by, failed);
    // "A failure of a request sent before the window opened: ignored."
    if (member.state.health(id).breaker.kind !== 'closed') return;
    const served = known.served.get(by) ?? 0;
    const before = known.failures.findLast((one) => one.by === by);
    const isInRow = before !== undefined && !known.successes.some((one) => one.at > before.at);
    const isOwnRow = before !== undefined && !known.successes.some((one) => one.by === by && one.at > before.at);
    // "One among more than ten successes of the same instance is everyday."
    const isEveryday = served > 10 * failed && known.isUntouched && !isOwnRow;
    // "Two in a row are told, and one where this instance sees little else."
    const isTold = served <= 10 || (isInRow && known.isUntouched);
    known.failures.push({ by, at, telling: isTold ? 'must' : isEveryday ? 'never' : 'may' });
    if (isOwnRow && before.telling === 'never') before.telling = isInRow && known.isUntouched ? 'must' : 'may';
  }

  ok(member: Member, id: DeploymentId, at: number): void {
    const known = this.of(id);
    const { name: by, operations, state } = member;
    known.served.set(by, (known.served.get(by) ?? 0) + 1);
    if (state.health(id).breaker.kind !== 'closed') return;
    // What was cleared meanwhile without its knowledge, its answer need not clear once more.
    const past = Math.max(this.#clearedAt(id), ...known.successes.map((one) => one.at));
    const others = known.failures.filter((one) => one.by !== by && one.at > past).length;
    // More than all that are its own or past: then at least one of them is another's, and not cleared by anybody.
    known.successes.push({ by, at, knew: operations.failuresOf(id) > known.failures.length - others });
  }

  say(word: Word): void {
    this.#history.words.push(word);
    this.of(word.deployment).isUntouched = false;
  }

  /** An operator's change: from its beginning it may be seen, and once it is done it must. `act` says what then holds. */
  async change(name: string, now: () => number, act: (before: string | null) => Promise<string | null>): Promise<void> {
    const standing = this.standing(name);
    const before = standing.value;
    const mine = { isAlone: standing.underWay.size === 0 };
    for (const other of standing.underWay) other.isAlone = false;
    standing.underWay.add(mine);
    standing.changedAt.push(now());
    standing.value = 'unknown';
    const value = await act(before);
    standing.underWay.delete(mine);
    standing.changedAt.push(now());
    // "The others write back what is missing" in a new row: that somebody took a pin back meanwhile does not stand in it.
    if (mine.isAlone && !(value === null && this.#isTorn)) standing.value = value;
  }

  #clearedAt(id: DeploymentId): number {
    const said = this.#history.words.filter((word) => word.deployment === id && word.kind !== 'dropped');
    return Math.max(0, this.#history.closedAt.get(id) ?? 0, ...said.map(({ at }) => at));
  }

  /** The row was emptied or spoilt. */
  tear(members: readonly Member[], now: number): void {
    this.#history.tear();
    this.#tornAt = now;
    this.#isTorn = true;
    const alive = members.filter(({ isAlive }) => isAlive);
    const note = (name: string, stays: (member: Member) => string | null, shown: (member: Member) => unknown): void => {
      const isUneven = new Set(alive.map((member) => JSON.stringify(shown(member)))).size > 1;
      const isUnheard = alive.some((member) => stays(member) !== this.standing(name).value);
      if (isUneven || isUnheard) this.#torn.add(name);
    };
    for (const id of DEPLOYMENTS) {
      note(id, drainOf(id), ({ state }) => {
        const { breaker } = state.health(id);
        return breaker.kind === 'closed' ? null : breaker;
      });
    }
    for (const agent of AGENTS) note(agent, pinOf(agent), ({ state }) => state.assignment(agent));
    // "The newer row is right where both know of the same": it may be written by whoever had not heard.
    for (const name of this.#torn) {
      const standing = this.standing(name);
      standing.value = 'unknown';
      standing.changedAt.push(now);
    }
  }

  /** After each command: what every instance shows. */
  observe(members: readonly Member[], now: number): void {
    for (const member of members) {
      if (!member.isAlive) continue;
      for (const id of DEPLOYMENTS) {
        this.#observeWindow(member, id, now);
        this.#observeStay(member, id, drainOf(id)(member));
      }
      for (const agent of AGENTS) this.#observeStay(member, agent, pinOf(agent)(member));
    }
    const [fault] = this.#history.faults;
    if (fault !== undefined) throw new Error(fault);
  }

  /** "An open window never shortens": unless an operator restored the deployment or its probe was answered. */
  #observeWindow(member: Member, id: DeploymentId, now: number): void {
    const key = `${member.name} ${id}`;
    const { breaker } = member.state.health(id);
    const before = this.#windows.get(key);
    const end = endOf(breaker);
    const lost = before !== undefined && now < before.value && end < before.value;
    // "What has not been told yet may be taken back by an answer that came after it."
    const isServed = before !== undefined && breaker.kind === 'closed' && this.#wasServedSince(id, before.since);
    if (lost && !isServed && !this.#torn.has(id) && !this.#isOver(id, before.since))
      throw new Error(`${member.name} kept ${id} closed until ${before.value}, and now: ${JSON.stringify(breaker)}`);
    if (breaker.kind !== 'open') this.#windows.delete(key);
    else if (before?.value !== end) this.#windows.set(key, { value: end, since: member.exchangedAt });
  }

  #wasServedSince(id: DeploymentId, since: number): boolean {
    return this.#history.wasClosed(id, since) && this.of(id).successes.some(({ at }) => at >= since);
  }

  #isOver(id: DeploymentId, since: number): boolean {
    return this.#history.words.some(
      (word) => word.deployment === id && word.at >= since && (isRestoring(word) || word.kind === 'answered'),
    );
  }

  /** "An operator's drain and pin outrank configuration until taken back." */
  #observeStay(member: Member, name: string, value: string | null): void {
    const key = `${member.name} ${name}`;
    const before = this.#stays.get(key);
    const isTakenBack = this.standing(name).changedAt.some((at) => before !== undefined && at >= before.since);
    if (before !== undefined && value !== before.value && !isTakenBack)
      throw new Error(`${member.name} saw ${name} ${before.value}, and now ${value}`);
    if (value === null) this.#stays.delete(key);
    else if (value !== before?.value) this.#stays.set(key, { value, since: member.exchangedAt });
  }

  /** When everybody has read what everybody told. */
  converged(members: readonly Member[], now: number): void {
    const alive = members.filter(({ isAlive }) => isAlive);
    for (const id of DEPLOYMENTS) {
      this.#agreeOnBreaker(alive, id);
      this.#agree(alive, `${id} drained`, ({ state }) => state.health(id).drainedSince);
      this.#holds(alive, id, drainOf(id));
      for (const member of alive) this.#expectRest(member, id, { alive, now });
      this.#expectCount(alive, id);
    }
    for (const agent of AGENTS) {
      this.#agree(alive, `the place of ${agent}`, ({ state }) => state.assignment(agent));
      this.#holds(alive, agent, pinOf(agent));
    }
    this.#history.mend();
    this.#torn.clear();
    this.#isTorn = false;
  }

  #agree(alive: readonly Member[], what: string, shown: (member: Member) => unknown): void {
    const views = alive.map((member) => `${member.name}: ${JSON.stringify(shown(member))}`);
    const kinds = new Set(alive.map((member) => JSON.stringify(shown(member))));
    if (kinds.size > 1) throw new Error(`not agreed: ${what}: ${views.join(', ')}`);
  }

  #holds(alive: readonly Member[], name: string, shown: (member: Member) => string | null): void {
    const { value } = this.standing(name);
    if (value === 'unknown') return;
    const other = alive.find((member) => shown(member) !== value);
    if (other !== undefined) throw new Error(`${name} is ${value}, and for ${other.name} ${shown(other)}`);
  }

  #agreeOnBreaker(alive: readonly Member[], id: DeploymentId): void {
    const word = this.#history.breakerOf(id);
    // "An instance that saw it open later keeps its own later end."
    const isLater = ({ state }: Member): boolean => {
      const { breaker } = state.health(id);
      return word.kind !== 'closed' && breaker.kind === 'open' && breaker.openUntil > endOf(word);
    };
    const others = alive.filter((member) => !isLater(member));
    this.#agree(others, `the breaker of ${id}`, ({ state }) => state.health(id).breaker.kind);
  }

  /** "No failure count is lost" (DESIGN.md, G7); "any instance's success clears the fleet's count". */
  #expectCount(alive: readonly Member[], id: DeploymentId): void {
    if (alive.some(({ state }) => state.health(id).breaker.kind !== 'closed')) return;
    const { failures, successes } = this.of(id);
    const isHere = ({ by }: { readonly by: string }): boolean => alive.some(({ name }) => name === by);
    const answered = this.#history.words.filter(({ deployment, kind }) => deployment === id && kind !== 'dropped');
    const restored = answered.filter(({ kind }) => kind === 'restored');
    const past = Math.max(0, ...answered.map(({ at }) => at), ...successes.map(({ at }) => at));
    const cleared = successes.filter((one) => one.knew && isHere(one));
    // "The newer row is right where both know of the same", also where it had not heard of these.
    const clearings = [...restored, ...cleared].map(({ at }) => at).concat(this.#history.closedAt.get(id) ?? 0);
    const surely = Math.max(0, ...clearings.filter((at) => at > this.#tornAt));
    const least = failures.filter((one) => {
      const isKept = one.at > past && one.at > this.#tornAt;
      return isKept && one.telling === 'must' && isHere(one);
    });
    // An instance's own success may meet its failure on the way to the sheet, or after an answer was lost.
    const most = failures.filter((one) => one.at > surely && one.telling !== 'never');
    for (const { name, operations } of alive) {
      const count = operations.failuresOf(id);
      if (count < least.length || count > most.length)
        throw new Error(`${name} counts ${count} failures of ${id}: at least ${least.length}, at most ${most.length}`);
    }
  }

  /** "Until the latest instant that a deployment asked for"; "others come back up to a tenth later (at most 1 s)". */
  #expectRest(
    { name, state }: Member,
    id: DeploymentId,
    { alive, now }: { readonly alive: readonly Member[]; readonly now: number },
  ): void {
    const restored = this.#history.words.filter((word) => word.deployment === id && isRestoring(word));
    const restoredAt = Math.max(0, ...restored.map(({ at }) => at));
    const rests = this.of(id).rests.filter(({ at }) => at > restoredAt);
    const own = Math.max(0, ...rests.filter(({ by }) => by === name).map(({ until }) => until));
    // "Rests that end about when the fleet's does (a quarter of their length, at most one period) are not written again."
    const told = rests
      .filter(({ by, at }) => at > this.#tornAt && alive.some((one) => one.name === by))
      .map(({ at, until }) => until - Math.min(MOST_SPREAD_MS, (until - at) / 4))
      // "The newer row is right where both know of the same": what was no news beside a rest told before that may be gone with it,
      // and so may the word that an operator had taken that one back.
      .filter((least) => !this.of(id).rests.some((one) => one.at <= this.#tornAt && one.until >= least));
    const least = Math.max(own, ...told);
    const most = Math.max(0, ...this.of(id).rests.map(({ until }) => until)) + MOST_SPREAD_MS;
    const { restUntil } = state.health(id);
    if (least > now && restUntil < least) throw new Error(`${name} rests ${id} until ${restUntil}, and not ${least}`);
    if (restUntil > now && restUntil > most) throw new Error(`${name} rests ${id} until ${restUntil}, beyond ${most}`);
  }
}

function endOf(breaker: BreakerState | FleetBreaker): number {
  switch (breaker.kind) {
    case 'closed':
      return 0;
    case 'open':
      return breaker.openUntil;
    case 'halfOpen':
      return breaker.leaseUntil;
    default:
      return breaker satisfies never;
  }
}

function drainOf(id: DeploymentId): (member: Member) => string | null {
  return ({ state }) => (state.health(id).drainedSince === null ? null : 'drained');
}

function pinOf(agent: string): (member: Member) => string | null {
  return ({ state }) => {
    const assignment = state.assignment(agent);
    return assignment?.returnAt === null ? `pinned to ${assignment.deployment}` : null;
  };
}
