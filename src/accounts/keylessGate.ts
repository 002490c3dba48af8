import type { Clock } from '../domain/clock.ts';
import { NO_TOKENS } from './entra.ts';
import { createGate, type Gate, type GateSettings, type KnownKeys } from './gate.ts';
import { Refusals } from './refusals.ts';
import { Throttle } from './throttle.ts';

const NO_KEYS: KnownKeys = {
  hasKeys: false,
  ready: () => Promise.resolve(),
  recall: () => null,
  find: () => Promise.resolve(null),
};
const FAILURES_PER_MINUTE = 30;

/** Where there are no accounts: the keys from the environment, and nothing else. */
export function createKeylessGate(settings: GateSettings, clock: Clock): Gate {
  return createGate({
    settings,
    clock,
    config: { plans: new Map(), accounts: new Map() },
    keys: NO_KEYS,
    tokens: NO_TOKENS,
    throttle: new Throttle(clock, FAILURES_PER_MINUTE),
    refusals: new Refusals(clock, { credentialsRefused: () => undefined }),
  });
}
