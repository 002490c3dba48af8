import type { Clock, Draw } from '../domain/clock.ts';
import { type Store, StoreError } from '../store/port.ts';
import { type Latency, latencyMs } from './chance.ts';
import { type Asked, StoreLayer } from './storeLayer.ts';
import { pause } from './virtualTime.ts';

/** How the way to the service is at the moment. `gone`: nobody gets there. */
export type Weather = { readonly kind: 'gone' } | { readonly kind: 'open'; readonly latency: Latency };

export interface DistantStoreFacts {
  readonly clock: Clock;
  readonly draw: Draw;
  readonly weather: () => Weather;
  /** A call has ended; told to whoever waits for it, before it goes on. */
  readonly onEnded: () => void;
}

/**
 * A store as it is met over a network: a call takes its way there and back, and where it outlasts its caller's patience it is
 * carried out all the same.
 */
export class DistantStore extends StoreLayer {
  override readonly kind = 'tables';
  readonly #facts: DistantStoreFacts;

  constructor(service: Store, facts: DistantStoreFacts) {
    super(service);
    this.#facts = facts;
  }

  protected override async around<T>(asked: Asked, perform: () => Promise<T>): Promise<T> {
    try {
      return await this.#travel(asked, perform);
    } finally {
      this.#facts.onEnded();
    }
  }

  async #travel<T>({ withinMs }: Asked, perform: () => Promise<T>): Promise<T> {
    const { draw, weather } = this.#facts;
    const now = weather();
    if (now.kind === 'gone') return await this.#late(withinMs);
    const thereMs = latencyMs(draw, now.latency) / 2;
    const backMs = latencyMs(draw, now.latency) / 2;
    const answer = this.#thereAndBack(perform, thereMs, backMs);
    return await (thereMs + backMs > withinMs ? Promise.race([answer, this.#late(withinMs)]) : answer);
  }

  async #thereAndBack<T>(perform: () => Promise<T>, thereMs: number, backMs: number): Promise<T> {
    const { clock } = this.#facts;
    await pause(clock, thereMs);
    try {
      return await perform();
    } finally {
      await pause(clock, backMs);
    }
  }

  async #late(withinMs: number): Promise<never> {
    await pause(this.#facts.clock, withinMs);
    throw new StoreError('late', `no answer within ${withinMs} ms`);
  }
}
