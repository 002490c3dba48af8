/// <reference lib="dom" />
/**
 * The dashboard: the page at `/`, in the browser. It shows what `GET /router/overview` tells and calls the control plane as any
 * other caller does. It is bundled by itself and shares nothing with the router but types.
 */
import type { Overview } from '../domain/overview.ts';
import { Desk, type Section } from './desk.ts';
import { byId, setHidden } from './dom.ts';
import { Announcer } from './live/announcer.ts';
import { Feed, type FeedState, type Reply } from './live/feed.ts';
import { GateForm } from './live/gate.ts';
import { Pulse } from './live/pulse.ts';
import { problemText, type Refused, Router, refusedBy } from './live/router.ts';
import { RouterTime } from './live/routerTime.ts';
import { AgentsSection } from './sections/agents.ts';
import { DeploymentsSection } from './sections/deployments.ts';
import { EventsSection } from './sections/events.ts';
import { KeysSection } from './sections/keys.ts';
import { PoolsSection } from './sections/pools.ts';
import { QuotasSection } from './sections/quotas.ts';
import { SharesSection } from './sections/shares.ts';
import { TilesSection } from './sections/tiles.ts';
import { TrafficSection } from './sections/traffic.ts';
import { TryItSection } from './sections/tryIt.ts';
import { VerdictSection } from './sections/verdict.ts';

const TICK_MS = 1_000;

class Page {
  readonly #time = new RouterTime();
  readonly #router = new Router((refused) => this.#lock(refused));
  readonly #feed = new Feed({
    ask: (etag) => this.#ask(etag),
    now: () => Date.now(),
    after: (lengthMs, fn) => {
      const timer = setTimeout(fn, lengthMs);
      return () => clearTimeout(timer);
    },
    onOverview: (overview) => this.#show(overview),
    onState: (state) => this.#become(state),
  });
  readonly #desk = new Desk({
    router: this.#router,
    announcer: new Announcer(),
    time: this.#time,
    refresh: () => this.#feed.now(),
  });
  readonly #pulse = new Pulse(() => this.#feed.now());
  readonly #gate = new GateForm(this.#router, () => this.#feed.restart());
  readonly #sections: readonly Section[] = [
    new VerdictSection(),
    new TilesSection(),
    new DeploymentsSection(this.#desk),
    new AgentsSection(this.#desk),
    new EventsSection(),
    new PoolsSection(),
    new TrafficSection(),
    new SharesSection(),
    new QuotasSection(),
    new TryItSection(this.#desk),
    new KeysSection(this.#desk),
  ];

  start(): void {
    const look = (): void => this.#feed.watch(document.visibilityState === 'visible');
    document.addEventListener('visibilitychange', look);
    setInterval(() => {
      if (document.visibilityState === 'visible') this.#tick();
    }, TICK_MS);
    this.#tick();
    look();
  }

  async #ask(etag: string | null): Promise<Reply> {
    const headers: Record<string, string> = etag === null ? {} : { 'if-none-match': etag };
    const response = await this.#router.send('/router/overview', { headers }).catch((error: unknown) => {
      throw new Error(problemText(error));
    });
    if (response.status === 304) return { kind: 'unchanged' };
    if (response.ok)
      return { kind: 'fresh', overview: (await response.json()) as Overview, etag: response.headers.get('etag') };
    const refused = await refusedBy(response);
    if (!refused.needsKey) throw refused;
    this.#lock(refused);
    return { kind: 'locked' };
  }

  #show(overview: Overview): void {
    this.#time.learn(overview);
    const now = this.#time.now();
    setHidden(byId('shown', HTMLElement), false);
    setHidden(byId('sections', HTMLElement), false);
    this.#gate.close();
    for (const section of this.#sections) section.show(overview, now);
  }

  #become(state: FeedState): void {
    this.#pulse.show(state);
    this.#tick();
  }

  /** Whatever asked, its answer was that a key is needed: what is shown may be somebody else’s to see. */
  #lock(refused: Refused): void {
    setHidden(byId('shown', HTMLElement), true);
    setHidden(byId('sections', HTMLElement), true);
    this.#gate.open(refused);
  }

  #tick(): void {
    const now = this.#time.now();
    this.#pulse.tick(now);
    for (const section of this.#sections) section.tick?.(now);
  }
}

new Page().start();
