/** Chance with a seed. Each part of a run draws from a stream of its own, so that one draw more in one place changes no other. */
import type { Draw } from '../domain/clock.ts';
import { hash32 } from '../routing/hash.ts';
import { drawFrom } from '../simulator/seeded.ts';

export function streamOf(seed: number, name: string): Draw {
  return drawFrom(hash32(`${seed}\n${name}`));
}

/** Until the next of things that happen at random, so many of them a second on average. */
export function gapMs(draw: Draw, perSecond: number): number {
  return (-Math.log(1 - draw()) / perSecond) * 1_000;
}

/** Log-normal, and a tail: so often as `tail.share` says, `tail.ms` on average come on top. */
export interface Latency {
  readonly medianMs: number;
  /** 0: always the median; 0.5: nine of ten within a factor of 2.3. */
  readonly spread: number;
  readonly tail?: { readonly share: number; readonly ms: number };
}

export function latencyMs(draw: Draw, { medianMs, spread, tail }: Latency): number {
  const body = medianMs * Math.exp(spread * normal(draw));
  return tail !== undefined && draw() < tail.share ? body - tail.ms * Math.log(1 - draw()) : body;
}

/** Box and Muller's. */
function normal(draw: Draw): number {
  return Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}

export function between(draw: Draw, low: number, high: number): number {
  return low + draw() * (high - low);
}

export function oneOf<T>(draw: Draw, list: readonly T[]): T {
  return list[Math.floor(draw() * list.length)] as T;
}
