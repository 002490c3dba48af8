/** How a quota stands, as operators see it. Pure. */
import type { QuotaName, QuotaStanding } from './port.ts';
import type { Holding } from './quotaHolding.ts';
import { EMPTY_WINDOW, heldBut, type QuotaSheet, windowFor, withTold } from './quotaSheet.ts';
import { inPeoplesUnit, windowAt, windowKey } from './quotaWindows.ts';

export interface StandingFacts {
  readonly account: string;
  readonly quota: QuotaName;
  /** As it is counted. */
  readonly limit: number;
  readonly now: number;
  readonly instance: string;
  /** What this instance holds of it, if anything: more is known of that than the row says. */
  readonly holding: Holding | undefined;
}

/** What instances hold in reserve for requests to come is free: it goes to whoever comes. */
export function standingOf(sheet: QuotaSheet, facts: StandingFacts): QuotaStanding {
  const { account, quota, limit, instance } = facts;
  const window = windowAt(quota, Math.max(facts.now, sheet.latest));
  const key = windowKey(quota, window);
  const holding = facts.holding?.key === key ? facts.holding : null;
  const shared =
    holding === null
      ? (sheet.windows.get(key) ?? EMPTY_WINDOW)
      : withTold(windowFor(sheet, holding, instance), holding, instance);
  const own = holding === null ? 0 : holding.reserved + holding.pledged;
  return {
    account,
    quota,
    limit: inPeoplesUnit(quota, limit),
    used: inPeoplesUnit(quota, shared.used),
    reserved: inPeoplesUnit(quota, own + heldBut(shared, holding === null ? null : instance)),
    resetsAt: window.endsAt,
  };
}
