/**
 * The row of an account: what was used in each window, and what instances hold of it. Pure; the keeper writes what comes out of it.
 *
 * All figures of a lease are sums since the window began, never differences: whoever does not know whether its last write
 * happened reads the row and sees.
 */
import { joined, type Lesson, type Lessons, NO_LESSONS } from './quotaLessons.ts';
import { endOf } from './quotaWindows.ts';

export interface SharedLease {
  /** So much the instance may have used in this window, altogether. */
  readonly granted: number;
  /** So much of it stands in the window's `used`. What is between the two is the lease. */
  readonly told: number;
  /** So much of the lease was for requests yet to come when it was written. */
  readonly spare: number;
}

export interface SharedWindow {
  readonly used: number;
  readonly leases: ReadonlyMap<string, SharedLease>;
  /** Whose write passed the mark from which on people are warned. */
  readonly warnedBy: string | null;
}

export interface QuotaSheet {
  /** The latest instant by anybody's clock: windows move forward only, and whose clock is behind goes by this. */
  readonly latest: number;
  /** By quota and window, such as `tokensPerDay 2026-11-21`. */
  readonly windows: ReadonlyMap<string, SharedWindow>;
  /** Instance -> until when it means to be heard of again. */
  readonly until: ReadonlyMap<string, number>;
  /** What requests have taught on any instance. */
  readonly lessons: Lessons;
}

export const EMPTY_SHEET: QuotaSheet = { latest: 0, windows: new Map(), until: new Map(), lessons: NO_LESSONS };
export const EMPTY_WINDOW: SharedWindow = { used: 0, leases: new Map(), warnedBy: null };

export function leased({ leases }: SharedWindow, but: string | null = null): number {
  let sum = 0;
  for (const [instance, { granted, told }] of leases) if (instance !== but) sum += granted - told;
  return sum;
}

/** What all but one have set aside for requests under way, or have used and not told yet. */
export function heldBut({ leases }: SharedWindow, instance: string | null): number {
  let sum = 0;
  for (const [one, { granted, told, spare }] of leases)
    if (one !== instance) sum += Math.max(0, granted - told - spare);
  return sum;
}

/**
 * The sheet as it is at `now`: windows that are over are gone, and so are instances that were not heard of in time.
 *
 * What a lost instance held counts as used. It may have granted all of it before it was lost, or still be granting it, cut off
 * from the store: were it given back, the same amount could be granted twice. It costs at most what one instance holds, until the
 * window ends. The instance itself, should it come back, knows what it did not use and takes that out again.
 */
export function upToDate(sheet: QuotaSheet, now: number, but: string | null = null): QuotaSheet {
  const latest = Math.max(now, sheet.latest);
  const lost = new Set([...sheet.until].filter(([one, until]) => one !== but && until <= latest).map(([one]) => one));
  const isOver = (key: string): boolean => (endOf(key) ?? 0) <= latest;
  if (lost.size === 0 && ![...sheet.windows.keys()].some(isOver)) return sheet;
  const windows = [...sheet.windows]
    .filter(([key]) => !isOver(key))
    .map(([key, window]) => [key, withoutLost(window, lost)] as const);
  const until = [...sheet.until].filter(([instance]) => !lost.has(instance));
  return { ...sheet, latest, windows: new Map(windows), until: new Map(until) };
}

function withoutLost(window: SharedWindow, lost: ReadonlySet<string>): SharedWindow {
  let { used } = window;
  const leases = new Map(window.leases);
  for (const instance of lost) {
    const lease = leases.get(instance);
    used += lease === undefined ? 0 : lease.granted - lease.told;
    leases.delete(instance);
  }
  return { ...window, used, leases };
}

/** What an instance knows of its own part in a window. */
export interface Part {
  /** It may grant so much, whatever became of writes that were never answered. */
  readonly granted: number;
  readonly spent: number;
  readonly reserved: number;
}

export interface Claim {
  readonly instance: string;
  readonly limit: number;
  /** For requests that wait. */
  readonly needed: number;
  /** For requests to come: at best so much, and none at all where it would not do for one of `typical` size. */
  readonly target: number;
  readonly typical: number;
}

/** Together, leases that nobody uses at the moment hold at most so much of a limit … */
const MOST_SPARE = 0.015;
/** … or so much of what is left of it: far from a limit nobody has to wait, and near it little lies about. */
const MOST_SPARE_OF_ROOM = 0.25;
/** Whoever is alone may hold such a share of what is left: it gives that back once it sees somebody else. */
const MOST_SPARE_ALONE = 0.25;

/** What others leave of the limit, beside what this instance has granted already. May be negative. */
export function roomIn(
  window: SharedWindow,
  part: Part,
  { instance, limit }: Pick<Claim, 'instance' | 'limit'>,
): number {
  const { used } = withTold(window, part, instance);
  return limit - used - leased(window, instance) - part.reserved;
}

/**
 * The window with this instance's part as it is now. Safe to make again from whatever others wrote, and after a write of which
 * nobody knows whether it happened: what was told is compared, not added.
 */
export function claimed(window: SharedWindow, part: Part, claim: Claim, instances: number): SharedWindow {
  const { instance, needed } = claim;
  const told = withTold(window, part, instance);
  const room = roomIn(window, part, claim) - needed;
  const spare = spareOf(told, room, claim, instances);
  const granted = part.spent + part.reserved + needed + spare;
  const leases = new Map(told.leases).set(instance, { granted, told: part.spent, spare });
  return { ...told, leases };
}

/** Where the row does not know the instance, all that it may grant was counted as used when it was given up for lost. */
export function withTold(window: SharedWindow, part: Part, instance: string): SharedWindow {
  const before = window.leases.get(instance)?.told ?? part.granted;
  return { ...window, used: Math.max(0, window.used + part.spent - before) };
}

function spareOf(window: SharedWindow, room: number, claim: Claim, instances: number): number {
  const { instance, limit, target, typical } = claim;
  if (instances === 1) return orNone(Math.min(target, Math.floor(room * MOST_SPARE_ALONE)), typical);
  const most = Math.floor(Math.max(limit * MOST_SPARE, room * MOST_SPARE_OF_ROOM));
  let others = 0;
  for (const [one, { spare }] of window.leases) if (one !== instance) others += spare;
  // One more than there are: whoever comes next is to find something as well.
  const share = Math.floor(Math.min(most, room) / (instances + 1));
  return orNone(Math.min(target, share, most - others), typical);
}

function orNone(spare: number, typical: number): number {
  return spare >= typical ? Math.max(0, spare) : 0;
}

/** The sheet without this instance. What is left of its leases counts as used, as with any other that goes. */
export function withoutInstance(sheet: QuotaSheet, instance: string): QuotaSheet {
  const lost = new Set([instance]);
  const windows = [...sheet.windows].map(([key, window]) => [key, withoutLost(window, lost)] as const);
  return { ...sheet, windows: new Map(windows), until: new Map([...sheet.until].filter(([one]) => one !== instance)) };
}

/** A window as an instance has to read it: a lease under its name that it knows nothing of is a predecessor's. */
export function windowFor(
  sheet: QuotaSheet,
  { key, isClaimed }: { readonly key: string; readonly isClaimed: boolean },
  instance: string,
): SharedWindow {
  const window = sheet.windows.get(key) ?? EMPTY_WINDOW;
  return isClaimed || !window.leases.has(instance) ? window : withoutLost(window, new Set([instance]));
}

/**
 * A row made anew, by somebody who knew nothing, meets what was known before. What live instances used they tell again by
 * themselves, as the new row does not have it; what was used by others is the larger of both.
 */
export function reunitedSheets(mine: QuotaSheet, theirs: QuotaSheet): QuotaSheet {
  const windows = new Map(mine.windows);
  for (const [key, window] of theirs.windows) {
    const known = windows.get(key);
    windows.set(key, known === undefined ? window : reunitedWindows(known, window));
  }
  const lessons = new Map(mine.lessons);
  for (const [kind, lesson] of theirs.lessons) lessons.set(kind, joined(lessons.get(kind), lesson));
  return {
    latest: Math.max(mine.latest, theirs.latest),
    windows,
    lessons,
    until: new Map([...mine.until, ...theirs.until]),
  };
}

function reunitedWindows(mine: SharedWindow, theirs: SharedWindow): SharedWindow {
  const leases = new Map([...mine.leases, ...theirs.leases]);
  const told = (window: Pick<SharedWindow, 'leases'>): number =>
    [...window.leases.values()].reduce((sum, one) => sum + one.told, 0);
  const ofOthers = Math.max(mine.used - told(mine), theirs.used - told(theirs));
  return { used: ofOthers + told({ leases }), leases, warnedBy: theirs.warnedBy ?? mine.warnedBy };
}

interface EncodedWindow {
  readonly used: number;
  readonly warnedBy?: string;
  readonly leases: Readonly<Record<string, readonly [granted: number, told: number, spare: number]>>;
}

type EncodedLesson = readonly [stretch: number, largest: number, before?: number];

export function encodeSheet({ latest, windows, until, lessons }: QuotaSheet): string {
  const encoded: Record<string, EncodedWindow> = {};
  for (const [key, { used, leases, warnedBy }] of windows) {
    const held = [...leases].map(([one, { granted, told, spare }]) => [one, [granted, told, spare] as const] as const);
    encoded[key] = { used, ...(warnedBy === null ? {} : { warnedBy }), leases: Object.fromEntries(held) };
  }
  const learnt = [...lessons].map(([kind, lesson]) => [kind, encodeLesson(lesson)] as const);
  const rest = learnt.length === 0 ? {} : { lessons: Object.fromEntries(learnt) };
  return JSON.stringify({ latest, until: Object.fromEntries(until), windows: encoded, ...rest });
}

function encodeLesson({ stretch, largest, before }: Lesson): EncodedLesson {
  return before === null ? [stretch, largest] : [stretch, largest, before];
}

export function decodeSheet(text: string): QuotaSheet | null {
  try {
    const { latest, until, windows, lessons = {} } = JSON.parse(text) as Record<string, unknown>;
    if (!isCount(latest) || !isRecord(until) || !isRecord(windows) || !isRecord(lessons)) return null;
    const read = Object.entries(windows).map(([key, window]) => [key, decodeWindow(window)] as const);
    const learnt = Object.entries(lessons).map(([kind, figures]) => [kind, decodeLesson(figures)] as const);
    const heard = Object.entries(until).map(([instance, instant]) => [instance, count(instant)] as const);
    return { latest, windows: new Map(read), until: new Map(heard), lessons: new Map(learnt) };
  } catch {
    // No version wrote it: it counts as empty, and is written anew.
    return null;
  }
}

function decodeWindow(value: unknown): SharedWindow {
  if (!isRecord(value) || !isRecord(value['leases'])) throw new TypeError('not a window');
  const leases = Object.entries(value['leases']).map(([instance, figures]): [string, SharedLease] => {
    const [granted, told, spare] = figures as unknown[];
    return [instance, { granted: count(granted), told: count(told), spare: count(spare) }];
  });
  const { warnedBy } = value;
  return {
    used: count(value['used']),
    leases: new Map(leases),
    warnedBy: typeof warnedBy === 'string' ? warnedBy : null,
  };
}

function decodeLesson(value: unknown): Lesson {
  const [stretch, largest, before] = value as unknown[];
  return { stretch: count(stretch), largest: count(largest), before: before === undefined ? null : count(before) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function count(value: unknown): number {
  if (!isCount(value)) throw new TypeError('not a count');
  return value;
}
