import type { Journal } from '../../src/telemetry/port.ts';

const nothing = (): void => undefined;

/** For those who listen to a part of it: `{ ...SILENT, happened }`. */
export const SILENT: Journal = {
  attemptFailed: nothing,
  retrying: nothing,
  streamBroken: nothing,
  requestEnded: nothing,
  requestRefused: nothing,
  quotaRunsLow: nothing,
  credentialsRefused: nothing,
  priceUnknown: nothing,
  usageLost: nothing,
  happened: nothing,
  storeLost: nothing,
  storeFound: nothing,
  fault: nothing,
};
