import type { FleetEvent } from '../../domain/event.ts';
import { describeError } from '../describe.ts';
import { endpointOf } from '../endpoint.ts';
import type { BoundedLabels } from '../labels.ts';
import { type EventName, METRICS } from '../names.ts';
import type { Journal } from '../port.ts';
import { type Add, createInstruments } from './instruments.ts';
import type { Attributes, Sdk } from './parts.ts';
import { createRequestMeter } from './requestMeter.ts';

export interface MeteringOptions {
  readonly labels: BoundedLabels;
  readonly instance: string;
}

/** A cause is a few words; whatever else might come along is cut. */
const LONGEST_CAUSE = 120;

/** The journal as metrics and custom events. */
export function createMeteringJournal(
  sdk: Sdk,
  { labels, instance }: MeteringOptions,
): { journal: Journal; countDropped: (records: number) => void } {
  const { counter, histogram } = createInstruments(sdk.meter, labels);
  const emit = (name: EventName, at: number, dimensions: Attributes): void =>
    sdk.emit(name, at, { ...dimensions, instance });
  const told = { streamsBroken: counter(METRICS.streamsBroken), transitions: counter(METRICS.transitions) };
  const refused = counter(METRICS.credentialsRefused);
  const throttled = counter(METRICS.credentialsThrottled);
  const usageLost = counter(METRICS.usageLost);
  const dropped = counter(METRICS.dropped);
  const nothing = (): void => undefined;
  return {
    countDropped: (records) => dropped(records, {}),
    journal: {
      // Attempts are counted with the request they belong to.
      attemptFailed: nothing,
      retrying: nothing,
      streamBroken: ({ deployment }) => told.streamsBroken(1, { endpoint: endpointOf(deployment), deployment }),
      requestEnded: createRequestMeter({ counter, histogram }),
      requestRefused: nothing,
      quotaRunsLow: ({ account, quota, used, limit, resetsAt }) =>
        emit('quotaRunsLow', Date.now(), { account, quota, used, limit, resetsAt: instant(resetsAt) }),
      credentialsRefused: (facts) => {
        refused(facts.count, {});
        throttled(facts.throttled, {});
      },
      priceUnknown: ({ model, deployment }) => emit('priceUnknown', Date.now(), { model, deployment }),
      usageLost: ({ requests }) => {
        usageLost(requests, {});
        emit('usageLost', Date.now(), { requests });
      },
      happened: (event) => {
        countTransition(event, told.transitions);
        const { kind, at, ...facts } = event;
        sdk.emit(kind, at, dimensionsOf(facts));
      },
      // Behind its kind stands what the store's library said.
      storeLost: ({ problem }) => emit('storeLost', Date.now(), { problem: problem.split(':')[0] ?? problem }),
      storeFound: ({ lostForMs }) => emit('storeFound', Date.now(), { lostForMs }),
      fault: ({ requestId, error }) => emit('fault', Date.now(), { requestId, error: describeError(error) }),
    },
  };
}

function countTransition(event: FleetEvent, add: Add): void {
  if ('deployment' in event) add(1, { deployment: event.deployment, kind: event.kind });
}

/** Instants as text that people and KQL read; what is not known is left out. */
function dimensionsOf(facts: object): Attributes {
  const dimensions: Attributes = {};
  for (const [name, value] of Object.entries(facts) as [string, string | number | null][]) {
    if (value === null) continue;
    if (name === 'until') dimensions[name] = instant(Number(value));
    else dimensions[name] = name === 'cause' ? String(value).slice(0, LONGEST_CAUSE) : value;
  }
  return dimensions;
}

function instant(at: number): string {
  return new Date(at).toISOString();
}
