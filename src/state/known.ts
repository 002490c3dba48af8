import type { FleetEvent } from '../domain/event.ts';
import type { EventFacts } from '../fleet/events.ts';

/** What an instance knows of the things on a sheet, and how it and the sheet get on. */
export interface Known<Sheet> {
  /** The sheet with all that this instance has to tell; the same object where that is nothing. */
  fold(sheet: Sheet, now: number): Sheet;
  /** Takes the fleet's word, keeping what it does not contain yet. */
  absorb(sheet: Sheet, now: number): void;
  /** Whether the word is to be taken anew, though the sheet be the same as before. */
  readonly isAstray: boolean;
  readonly isUrgent: boolean;
  /** What people should hear of a change that this instance has written. */
  events(before: Sheet, after: Sheet, facts: EventFacts): FleetEvent[];
}
