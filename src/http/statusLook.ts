import type { KeyView } from '../domain/overview.ts';
import type { UsageSum } from '../usage/port.ts';
import { eventView } from './agents.ts';
import { keyList } from './keys.ts';
import { LastKnown } from './lastKnown.ts';
import { atMost, FIRST_LOOK_MS, type Lookout, type OverviewDeps, READ_WITHIN_MS } from './overview.ts';
import { routerStatus } from './status.ts';

const KEYS_EVERY_MS = 1_000;
/** It reads all rows of a day, which are many in a large fleet. */
const USAGE_EVERY_MS = 10_000;

/** Of the whole fleet, on the day that is under way (UTC). */
interface UsageToday {
  readonly from: string;
  readonly to: string;
  readonly total: UsageSum;
}

/**
 * Everything that the control plane tells, in one look. What lies in the store is waited for a moment at most, and not at all while the
 * store is away: then it is what was known before, or `null` where nothing was.
 */
export class StatusLook {
  readonly #deps: OverviewDeps;
  readonly #lookout: Lookout;
  readonly #keys: LastKnown<readonly KeyView[] | null>;
  readonly #usage: LastKnown<UsageToday | null>;

  constructor(deps: OverviewDeps, lookout: Lookout) {
    this.#deps = deps;
    this.#lookout = lookout;
    const { config, clock, keys: desk } = deps;
    const facts = { config, desk, now: () => clock.now() };
    const rest = { clock, initial: null, withinMs: READ_WITHIN_MS };
    this.#keys = new LastKnown<readonly KeyView[] | null>({
      ...rest,
      read: async () => (await keyList(facts)).items,
      everyMs: KEYS_EVERY_MS,
    });
    this.#usage = new LastKnown<UsageToday | null>({
      ...rest,
      read: () => this.#readUsage(),
      everyMs: USAGE_EVERY_MS,
    });
  }

  async look() {
    const { config, clock, state, operations } = this.#deps;
    const renewed = Promise.all([this.#lookout.renew(), this.#keys.renew(), this.#usage.renew()]);
    await atMost(operations.store().healthy ? FIRST_LOOK_MS : 0, renewed, clock);
    const { events, quotas } = this.#lookout;
    return {
      ...routerStatus({ config, snapshot: state.snapshot(), operations, now: clock.now() }),
      failovers: events?.map(eventView) ?? null,
      usage: this.#usage.value,
      quotas,
      keys: this.#keys.value,
    };
  }

  async #readUsage(): Promise<UsageToday> {
    const today = new Date(this.#deps.clock.now()).toISOString().slice(0, 10);
    const { total } = await this.#deps.usage.report({ from: today, to: today, by: [] });
    return { from: today, to: today, total };
  }
}
