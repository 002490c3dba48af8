/**
 * What requests of late have taught: how long answers become, and by how much prompts are larger than they look. The row has it
 * too: what one instance has learnt the others need not pay for again.
 */
import type { QuotaAsk, QuotaUse } from './port.ts';

const LATELY_MS = 10 * 60_000;
/** Names that requests ask for are few; a row is not to grow without end. */
const MOST_KINDS = 32;
/** No kind is called that: theirs have a blank in them. */
const OUTPUT = 'output';

/** The largest of a stretch of ten minutes, and of the one before where something was seen in it. */
export interface Lesson {
  readonly stretch: number;
  readonly largest: number;
  readonly before: number | null;
}

export type Lessons = ReadonlyMap<string, Lesson>;

export const NO_LESSONS: Lessons = new Map();

/** `null`: whatever was learnt is too old by now, or nothing ever was. */
export function latelyIn(lesson: Lesson | undefined, now: number): number | null {
  if (lesson === undefined) return null;
  const age = stretchAt(now) - lesson.stretch;
  // An instance whose clock is behind may meet what is yet to come.
  if (age <= 0) return Math.max(lesson.largest, lesson.before ?? 0);
  return age === 1 ? lesson.largest : null;
}

/** Both together. */
export function joined(one: Lesson | undefined, other: Lesson): Lesson {
  if (one === undefined) return other;
  const [newer, older] = one.stretch >= other.stretch ? [one, other] : [other, one];
  const { stretch } = newer;
  if (stretch === older.stretch) {
    const before = newer.before === null ? older.before : Math.max(newer.before, older.before ?? 0);
    return { stretch, largest: Math.max(newer.largest, older.largest), before };
  }
  if (stretch > older.stretch + 1) return newer;
  return { ...newer, before: Math.max(newer.before ?? 0, older.largest) };
}

/** What the row is to say: what it said and what was learnt here, as far as it is of late. */
export function joinedLessons(shared: Lessons, own: Lessons, now: number): Lessons {
  if (own.size === 0 && shared.size === 0) return shared;
  // Those in use here come first, in case there are too many.
  const all = new Map(own);
  for (const [kind, lesson] of shared) all.set(kind, joined(all.get(kind), lesson));
  const fresh = [...all].filter(([, lesson]) => latelyIn(lesson, now) !== null);
  if (fresh.length <= MOST_KINDS) return new Map(fresh);
  return new Map(fresh.sort(([, one], [, other]) => other.stretch - one.stretch).slice(0, MOST_KINDS));
}

function stretchAt(now: number): number {
  return Math.floor(now / LATELY_MS);
}

/** What this instance has learnt by itself from an account's requests. */
export class LessonBook {
  readonly #lessons = new Map<string, Lesson>();
  readonly #underWay = new Map<string, number>();

  get all(): Lessons {
    return this.#lessons;
  }

  /** The longest answer, here or elsewhere. */
  longestOutput(shared: Lessons, now: number): number {
    return this.#lately(OUTPUT, shared, now) ?? 0;
  }

  /** So many tokens a prompt of this kind may have beyond those it looks like. `null`: nobody knows. */
  surplus(kind: string, shared: Lessons, now: number): number | null {
    return this.#lately(kind, shared, now);
  }

  /** Whether one of this kind is under way here, and will teach before long. */
  awaits(kind: string): boolean {
    return this.#underWay.has(kind);
  }

  began({ kind }: QuotaAsk): void {
    if (kind !== null) this.#underWay.set(kind, (this.#underWay.get(kind) ?? 0) + 1);
  }

  ended({ kind, promptTokens }: QuotaAsk, use: QuotaUse, now: number): void {
    this.#see(OUTPUT, use.outputTokens, now);
    if (kind === null) return;
    const others = (this.#underWay.get(kind) ?? 1) - 1;
    if (others > 0) this.#underWay.set(kind, others);
    else this.#underWay.delete(kind);
    // Of what was refused or failed nothing was read.
    if (use.promptTokens > 0) this.#see(kind, Math.max(0, use.promptTokens - promptTokens), now);
  }

  #lately(kind: string, shared: Lessons, now: number): number | null {
    const own = latelyIn(this.#lessons.get(kind), now);
    const told = latelyIn(shared.get(kind), now);
    return own === null ? told : Math.max(own, told ?? 0);
  }

  #see(kind: string, seen: number, now: number): void {
    const known = this.#lessons.get(kind);
    const lesson = joined(known, { stretch: stretchAt(now), largest: seen, before: null });
    // Back to the end: the kind that was not seen for longest is the first to be forgotten.
    this.#lessons.delete(kind);
    this.#lessons.set(kind, lesson);
    if (this.#lessons.size <= MOST_KINDS) return;
    for (const oldest of this.#lessons.keys()) {
      this.#lessons.delete(oldest);
      return;
    }
  }
}
