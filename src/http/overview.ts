import type { Clock } from '../domain/clock.ts';
import type { RouterConfig } from '../domain/config.ts';
import type { FleetEvent } from '../domain/event.ts';
import type { Overview, OverviewEvent, OverviewQuota } from '../domain/overview.ts';
import type { Operations, State } from '../state/port.ts';
import type { RecentActivity } from '../telemetry/recent/activity.ts';
import { LastKnown } from './lastKnown.ts';
import { type LedgerDeps, standings } from './ledgers.ts';
import { routerStatus } from './status.ts';

/** Who answers, and since when. */
export interface Instance {
  readonly id: string;
  readonly startedAt: number;
}

export interface OverviewDeps extends LedgerDeps {
  readonly config: RouterConfig;
  readonly clock: Clock;
  readonly state: Pick<State, 'snapshot'>;
  readonly operations: Operations;
  readonly instance: Instance;
  readonly recent: Pick<RecentActivity, 'activity'>;
}

const EVENTS_EVERY_MS = 2_000;
const QUOTAS_EVERY_MS = 5_000;
/** The store's own deadlines are shorter. */
export const READ_WITHIN_MS = 5_000;
/** Only the first look waits for the store at all, so that it is not an empty one; after that what is known is shown. */
export const FIRST_LOOK_MS = 250;

const EVENTS_OF_MS = 86_400_000;
const MOST_EVENTS = 100;
/** Each costs a read of the store; `GET /router/quotas` has them all. */
const MOST_ACCOUNTS = 100;

/** Looks at everything, without ever waiting for the store but once. What was never read is `null`. */
export class Lookout {
  readonly #deps: OverviewDeps;
  readonly #events: LastKnown<readonly FleetEvent[] | null>;
  readonly #quotas: LastKnown<readonly OverviewQuota[] | null>;
  #hasLooked = false;

  constructor(deps: OverviewDeps) {
    this.#deps = deps;
    const { clock } = deps;
    this.#events = new LastKnown<readonly FleetEvent[] | null>({
      clock,
      initial: null,
      read: (known) => this.#readEvents(known ?? []),
      everyMs: EVENTS_EVERY_MS,
      withinMs: READ_WITHIN_MS,
    });
    this.#quotas = new LastKnown<readonly OverviewQuota[] | null>({
      clock,
      initial: null,
      read: async () => standings(deps, MOST_ACCOUNTS),
      everyMs: QUOTAS_EVERY_MS,
      withinMs: READ_WITHIN_MS,
    });
  }

  async look(): Promise<Overview> {
    const renewed = this.renew();
    if (!this.#hasLooked) await atMost(FIRST_LOOK_MS, renewed, this.#deps.clock);
    this.#hasLooked = true;
    return this.#overview();
  }

  /** Ends with the reads that are under way; nothing is thrown. */
  async renew(): Promise<void> {
    await Promise.all([this.#events.renew(), this.#quotas.renew()]);
  }

  get events(): readonly FleetEvent[] | null {
    return this.#events.value;
  }

  get quotas(): readonly OverviewQuota[] | null {
    return this.#quotas.value;
  }

  #overview(): Overview {
    const { config, clock, state, operations, instance, recent } = this.#deps;
    const now = clock.now();
    const { at, ...status } = routerStatus({ config, snapshot: state.snapshot(), operations, now });
    const { store, deployments, pools, agents } = status;
    return {
      at,
      instance: instance.id,
      startedAt: new Date(instance.startedAt).toISOString(),
      store,
      deployments,
      pools,
      agents,
      events: (this.events ?? []).map(overviewEvent),
      quotas: this.quotas ?? [],
      activity: recent.activity(),
    };
  }

  /** While the store is away it tells of nothing but what this instance has seen; what was known before is still true. */
  async #readEvents(known: readonly FleetEvent[]): Promise<readonly FleetEvent[]> {
    const { clock, operations } = this.#deps;
    const since = clock.now() - EVENTS_OF_MS;
    const found = await operations.events(since, MOST_EVENTS);
    if (operations.store().healthy) return found;
    const told = new Set(found.map(identityOf));
    const earlier = known.filter((event) => event.at >= since && !told.has(identityOf(event)));
    return [...found, ...earlier].sort((left, right) => right.at - left.at).slice(0, MOST_EVENTS);
  }
}

function identityOf(event: FleetEvent): string {
  const whom = 'deployment' in event ? event.deployment : `${event.agent} ${event.from}`;
  return `${event.at} ${event.instance} ${event.kind} ${whom}`;
}

/** One shape for all kinds: what a kind has no word for is `null`. */
function overviewEvent(event: FleetEvent): OverviewEvent {
  const until = 'until' in event ? event.until : null;
  return {
    at: new Date(event.at).toISOString(),
    kind: event.kind,
    agent: 'agent' in event ? event.agent : null,
    deployment: 'deployment' in event ? event.deployment : null,
    from: 'from' in event ? event.from : null,
    to: 'to' in event ? event.to : null,
    cause: event.cause,
    count: 'count' in event ? event.count : 1,
    until: until === null ? null : new Date(until).toISOString(),
  };
}

/** Ends with the work or after the time, whichever comes first. */
export function atMost(ms: number, work: Promise<unknown>, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const stop = clock.after(ms, resolve);
    void work.finally(() => {
      stop();
      resolve();
    });
  });
}
