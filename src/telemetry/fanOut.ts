import type { Journal } from './port.ts';

/** Tells each of them, in order. */
export function fanOut(journals: readonly Journal[]): Journal {
  const all = (tell: (one: Journal) => void): void => {
    for (const one of journals) tell(one);
  };
  return forward(all);
}

/** A journal that hands each call on, for whoever decides when and to whom. */
export function forward(pass: (call: (to: Journal) => void) => void): Journal {
  return {
    attemptFailed: (facts) => pass((to) => to.attemptFailed(facts)),
    retrying: (facts) => pass((to) => to.retrying(facts)),
    streamBroken: (facts) => pass((to) => to.streamBroken(facts)),
    requestEnded: (record) => pass((to) => to.requestEnded(record)),
    requestRefused: (refused) => pass((to) => to.requestRefused(refused)),
    quotaRunsLow: (facts) => pass((to) => to.quotaRunsLow(facts)),
    credentialsRefused: (facts) => pass((to) => to.credentialsRefused(facts)),
    priceUnknown: (facts) => pass((to) => to.priceUnknown(facts)),
    usageLost: (facts) => pass((to) => to.usageLost(facts)),
    happened: (event) => pass((to) => to.happened(event)),
    storeLost: (facts) => pass((to) => to.storeLost(facts)),
    storeFound: (facts) => pass((to) => to.storeFound(facts)),
    fault: (fault) => pass((to) => to.fault(fault)),
  };
}
