/** What an instance writes into an account's row next, and what comes of the requests that wait for it. Pure. */
import type { QuotaName } from './port.ts';
import type { Demand, Holding } from './quotaHolding.ts';
import {
  type Claim,
  claimed,
  EMPTY_WINDOW,
  leased,
  type QuotaSheet,
  roomIn,
  type SharedWindow,
  upToDate,
  withoutInstance,
  withTold,
} from './quotaSheet.ts';
import { type Limits, needOf, outputWithin, type Wish } from './quotaWindows.ts';

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
  /** For each wish the tokens of output it gets; `null`: there is no room for it. */
  readonly outputs: readonly (number | null)[];
  /** What is left for those, once the others have got theirs. */
  readonly rooms: Limits;
  readonly shares: readonly Share[];
  readonly hasLeft: boolean;
}

export function planFor(before: QuotaSheet, facts: PlanFacts): Plan {
  const { instance, now, isLeaving, leaseMs } = facts;
  const sheet = upToDate(before, now, instance);
  const rooms = roomsIn(sheet, facts);
  const outputs = facts.wishes.map((wish) => admit(wish, rooms));
  const known = sheet.until.get(instance) ?? 0;
  const shares: Share[] = [];
  const windows = new Map(sheet.windows);
  let isNews = known - now < leaseMs / 2 && known > 0;
  for (const holding of [...facts.holdings.values(), ...facts.ahead]) {
    const [share, window] = shareFor(holding, outputs, sheet, facts);
    shares.push(share);
    if (!differs(sheet.windows.get(holding.key), window, instance)) continue;
    windows.set(holding.key, window);
    isNews = true;
  }
  // First all is told, and only then the name is taken out: without it nobody could see what was told.
  const hasLeft = isLeaving && !isNews;
  const written = { latest: Math.max(now, sheet.latest), windows, until: sheet.until };
  if (hasLeft) return { sheet: withoutInstance(written, instance), isNews: known > 0, outputs, rooms, shares, hasLeft };
  const until = new Map(sheet.until).set(instance, written.latest + leaseMs);
  return { sheet: { ...written, until }, isNews, outputs, rooms, shares, hasLeft };
}

/** What this instance could grant if the row is as `sheet` says. Its own spare is in it. */
export function roomsIn(sheet: QuotaSheet, { instance, limits, holdings }: RoomFacts): Map<QuotaName, number> {
  const rooms = new Map<QuotaName, number>();
  for (const [quota, limit] of limits) {
    const holding = holdings.get(quota);
    if (holding === undefined) continue;
    rooms.set(quota, roomIn(windowOf(sheet, holding, instance), holding, { instance, limit }));
  }
  return rooms;
}

/** The same, were all others to give back what they hold: there will not be more than that before the window ends. */
export function mostRoomsIn(sheet: QuotaSheet, facts: RoomFacts): Map<QuotaName, number> {
  const { instance, limits, holdings } = facts;
  const rooms = new Map<QuotaName, number>();
  for (const [quota, limit] of limits) {
    const holding = holdings.get(quota);
    if (holding === undefined) continue;
    const { used } = withTold(windowOf(sheet, holding, instance), holding, instance);
    rooms.set(quota, limit - used - holding.reserved);
  }
  return rooms;
}

export type RoomFacts = Pick<PlanFacts, 'instance' | 'limits' | 'holdings'>;

/** A lease under this instance's name that it knows nothing of is a predecessor's. */
function windowOf(sheet: QuotaSheet, { key, isClaimed }: Holding, instance: string): SharedWindow {
  const window = sheet.windows.get(key) ?? EMPTY_WINDOW;
  if (isClaimed || !window.leases.has(instance)) return window;
  return withoutInstance({ ...sheet, windows: new Map([[key, window]]) }, instance).windows.get(key) ?? EMPTY_WINDOW;
}

function admit(wish: Wish, rooms: Map<QuotaName, number>): number | null {
  const output = outputWithin(wish, rooms);
  if (output === null) return null;
  for (const [quota, room] of rooms) rooms.set(quota, room - needOf(quota, wish, output));
  return output;
}

function shareFor(
  holding: Holding,
  outputs: readonly (number | null)[],
  sheet: QuotaSheet,
  facts: PlanFacts,
): [Share, SharedWindow] {
  const { instance, limits, wishes, demands, periods, isLeaving, warnPercent } = facts;
  const { quota } = holding;
  const limit = limits.get(quota) ?? 0;
  let needed = 0;
  // What begins only soon is for nobody who waits.
  if (facts.holdings.get(quota) === holding) {
    for (const [at, wish] of wishes.entries()) {
      const output = outputs[at] ?? null;
      if (output !== null) needed += needOf(quota, wish, output);
    }
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
  const window = claimed(windowOf(sheet, holding, instance), holding, claim, instances);
  const { granted, spare } = window.leases.get(instance) ?? { granted: 0, spare: 0 };
  return [{ holding, granted, spare, pledged: needed }, marked(window, instance, (limit * warnPercent) / 100)];
}

/** Who passes the mark puts its name there, and so tells of it even if it learns only later that its write happened. */
function marked(window: SharedWindow, instance: string, mark: number): SharedWindow {
  return window.warnedBy === null && window.used + leased(window) >= mark ? { ...window, warnedBy: instance } : window;
}

function differs(before: SharedWindow | undefined, after: SharedWindow, instance: string): boolean {
  const was = before?.leases.get(instance);
  const is = after.leases.get(instance);
  if (was === undefined) return (is?.granted ?? 0) > 0 || after.used !== (before?.used ?? 0);
  return was.granted !== is?.granted || was.told !== is.told;
}
