/** Pseudo-random values that depend on their seed alone, so that the same question always gets the same answer. */
import { createHash } from 'node:crypto';
import type { Draw } from '../domain/clock.ts';

export function seedOf(...parts: readonly string[]): number {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest().readUInt32LE(0);
}

/** Mulberry32: small, fast, and good enough for words and vectors. */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A whole number from `low` to `high`, both included. */
export function wholeBetween(draw: Draw, low: number, high: number): number {
  return low + Math.floor(draw() * (high - low + 1));
}

export function pick<T>(draw: Draw, from: readonly [T, ...T[]]): T {
  return from[Math.floor(draw() * from.length)] ?? from[0];
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function makeId(prefix: string, draw: Draw, length = 28): string {
  let id = prefix;
  for (let i = 0; i < length; i++) id += ALPHABET[Math.floor(draw() * ALPHABET.length)];
  return id;
}

export function makeHexId(prefix: string, draw: Draw, length: number): string {
  let id = prefix;
  for (let i = 0; i < length; i++) id += Math.floor(draw() * 16).toString(16);
  return id;
}

export function makeUuid(draw: Draw): string {
  const hex = (length: number) => makeHexId('', draw, length);
  return `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
}
