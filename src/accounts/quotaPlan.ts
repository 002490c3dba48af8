/** What an instance writes into an account's row next, and what comes of the requests that wait for it. Pure. */
import type { QuotaName } from './port.ts';
import type { Demand, Holding } from './quotaHolding.ts';
import { joinedLessons, type Lessons } from './quotaLessons.ts';
import {
  type Claim,
  claimed,
  heldBut,
  type QuotaSheet,
  roomIn,
  type SharedWindow,
  upToDate,
  windowFor,
  withoutInstance,
  withTold,
} from './quotaSheet.ts';
import { type Limits, needOf, type Portion, portionWithin, type Wish } from './quotaWindows.ts';

export interface PlanFacts {
  readonly instance: string;
  readonly now: number;
  readonly limits: Limits;
  /** Of the windows under way. */
  readonly holdings: ReadonlyMap<QuotaName, Holding>;
  /** Of windows that begin soon. */
  readonly ahead: readonly Holding[];
  readonly demands: ReadonlyMap<QuotaName, Demand>;
  /** About so many periods lie between two exchanges at the moment: a lease is to last as long. */
  readonly periods: number;
  readonly wishes: readonly Wish[];
  /** What this instance has learnt. */
  readonly lessons: Lessons;
  /** Nobody has asked for a while: all that is not used goes back, and then the instance's name. */
  readonly isLeaving: boolean;
  readonly leaseMs: number;
  readonly warnPercent: number;
}

export interface Share {
  readonly holding: Holding;
  readonly granted: number;
  readonly spare: number;
  readonly pledged: number;
}

export interface Plan {
  readonly sheet: QuotaSheet;
  /** False: the row says all that already. */
  readonly isNews: boolean;
  /** What each wish gets; `null`: there is no room for it. */
  readonly portions: readonly (Portion | null)[];
  /** What is left for those, once the others have got theirs. */
  readonly rooms: Limits;
  readonly shares: readonly Share[];
  readonly hasLeft: boolean;
}

export function planFor(before: QuotaSheet, facts: PlanFacts): Plan {
  const { instance, now, isLeaving, leaseMs } = facts;
  const sheet = upToDate(before, now, instance);
  const rooms = roomsIn(sheet, facts);
  const portions = admitted(facts.wishes, rooms, !areOthersBusy(sheet, facts));
  const known = sheet.until.get(instance) ?? 0;
  const shares: Share[] = [];
  const windows = new Map(sheet.windows);
  let isNews = known - now < leaseMs / 2 && known > 0;
  for (const holding of [...facts.holdings.values(), ...facts.ahead]) {
    const [share, window] = shareFor(holding, portions, sheet, facts);
    shares.push(share);
    if (!differs(sheet.windows.get(holding.key), window, instance)) continue;
    windows.set(holding.key, window);
    isNews = true;
  }
  // First all is told, and only then the name is taken out: without it nobody could see what was told.
  const hasLeft = isLeaving && !isNews;
  // What was learnt travels with what was used, and is never news by itself.
  const lessons = joinedLessons(sheet.lessons, facts.lessons, now);
  const written = { latest: Math.max(now, sheet.latest), windows, until: sheet.until, lessons };
  const outcome = { portions, rooms, shares, hasLeft };
  if (hasLeft) return { ...outcome, sheet: withoutInstance(written, instance), isNews: known > 0 };
  const until = new Map(sheet.until).set(instance, written.latest + leaseMs);
  return { ...outcome, sheet: { ...written, until }, isNews };
}

/** What this instance could grant if the row is as `sheet` says. Its own spare is in it. */
export function roomsIn(sheet: QuotaSheet, facts: RoomFacts): Map<QuotaName, number> {
  const { instance } = facts;
  return roomsWith(facts, (holding, limit) =>
    roomIn(windowFor(sheet, holding, instance), holding, { instance, limit }),
  );
}

/** The same, were all others to give back what they hold: there will not be more than that while this instance's requests go on. */
export function mostRoomsIn(sheet: QuotaSheet, facts: RoomFacts): Map<QuotaName, number> {
  return roomsWith(facts, (holding, limit) => limit - usedIn(sheet, holding, facts) - holding.reserved);
}

/** The same, were all requests under way to need nothing: there will not be more than that before the window ends. */
export function unusedIn(sheet: QuotaSheet, facts: RoomFacts): Map<QuotaName, number> {
  return roomsWith(facts, (holding, limit) => {
    const unused = limit - usedIn(sheet, holding, facts);
    // A request that is under way will have been one, whatever comes of it.
    if (holding.quota !== 'requestsPerMinute') return unused;
    return unused - holding.reserved - heldBut(windowFor(sheet, holding, facts.instance), facts.instance);
  });
}

function usedIn(sheet: QuotaSheet, holding: Holding, { instance }: RoomFacts): number {
  return withTold(windowFor(sheet, holding, instance), holding, instance).used;
}

function roomsWith(
  { limits, holdings }: RoomFacts,
  roomOf: (holding: Holding, limit: number) => number,
): Map<QuotaName, number> {
  const rooms = new Map<QuotaName, number>();
  for (const [quota, limit] of limits) {
    const holding = holdings.get(quota);
    if (holding !== undefined) rooms.set(quota, roomOf(holding, limit));
  }
  return rooms;
}

/** Somebody elsewhere has requests under way, as far as the row tells. */
export function areOthersBusy(sheet: QuotaSheet, { holdings, instance }: RoomFacts): boolean {
  for (const { key } of holdings.values()) {
    const window = sheet.windows.get(key);
    if (window !== undefined && heldBut(window, instance) > 0) return true;
  }
  return false;
}

export type RoomFacts = Pick<PlanFacts, 'instance' | 'limits' | 'holdings'>;

/** In the order they came; each takes its portion out of `rooms`. */
function admitted(wishes: readonly Wish[], rooms: Map<QuotaName, number>, mayTeach: boolean): (Portion | null)[] {
  const kinds = new Set<string | null>();
  return wishes.map((wish) => {
    const portion = portionWithin(wish, rooms, mayTeach && !kinds.has(wish.ask.kind));
    if (portion === null) return null;
    kinds.add(wish.ask.kind);
    for (const [quota, room] of rooms) rooms.set(quota, room - needOf(quota, portion.wish, portion.output));
    return portion;
  });
}

function shareFor(
  holding: Holding,
  portions: readonly (Portion | null)[],
  sheet: QuotaSheet,
  facts: PlanFacts,
): [Share, SharedWindow] {
  const { instance, limits, demands, periods, isLeaving, warnPercent } = facts;
  const { quota } = holding;
  const limit = limits.get(quota) ?? 0;
  let needed = 0;
  // What begins only soon is for nobody who waits.
  if (facts.holdings.get(quota) === holding) {
    for (const portion of portions) if (portion !== null) needed += needOf(quota, portion.wish, portion.output);
  }
  const demand = demands.get(quota);
  const claim: Claim = {
    instance,
    limit,
    needed,
    target: isLeaving ? 0 : Math.ceil((demand?.expected ?? 0) * periods),
    typical: demand?.typical ?? 1,
  };
  const instances = Math.max(1, sheet.until.size + (sheet.until.has(instance) ? 0 : 1));
  const window = claimed(windowFor(sheet, holding, instance), holding, claim, instances);
  const { granted, spare } = window.leases.get(instance) ?? { granted: 0, spare: 0 };
  return [{ holding, granted, spare, pledged: needed }, marked(window, instance, (limit * warnPercent) / 100)];
}

/** Who passes the mark puts its name there, and so tells of it even if it learns only later that its write happened. */
function marked(window: SharedWindow, instance: string, mark: number): SharedWindow {
  const isPassed = window.used + heldBut(window, null) >= mark;
  return window.warnedBy === null && isPassed ? { ...window, warnedBy: instance } : window;
}

function differs(before: SharedWindow | undefined, after: SharedWindow, instance: string): boolean {
  const was = before?.leases.get(instance);
  const is = after.leases.get(instance);
  if (was === undefined) return (is?.granted ?? 0) > 0 || after.used !== (before?.used ?? 0);
  return was.granted !== is?.granted || was.told !== is.told;
}
