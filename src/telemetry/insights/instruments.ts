import type { BoundedLabels } from '../labels.ts';
import type { MetricName } from '../names.ts';
import type { Attributes, Meter } from './parts.ts';

export type Add = (value: number, attributes: Attributes) => void;

export interface Instruments {
  readonly counter: (metric: MetricName) => Add;
  readonly histogram: (metric: MetricName) => Add;
}

/** Few and fixed by the router itself: these values need no bound. */
const FIXED: readonly string[] = [
  'type',
  'end',
  'code',
  'outcome',
  'cause',
  'kind',
  'state',
  'le',
  'stream',
  'error.type',
  'gen_ai.token.type',
  'gen_ai.provider.name',
];

/** The same values wherever they stand: an endpoint is one however it is called. */
const SAME: Readonly<Record<string, string>> = {
  from: 'deployment',
  to: 'deployment',
  'server.address': 'endpoint',
  'gen_ai.request.model': 'model',
};

export function createInstruments(meter: Meter, labels: BoundedLabels): Instruments {
  const bounded = (attributes: Attributes): Attributes => {
    const kept: Attributes = {};
    for (const name in attributes) {
      const value = String(attributes[name]);
      kept[name] = FIXED.includes(name) ? value : labels.of(SAME[name] ?? name, value);
    }
    return kept;
  };
  return {
    counter: ({ name, unit }) => {
      const counter = meter.createCounter(name, { unit });
      // Application Insights would keep a series of zeros.
      return (value, attributes) => {
        if (value !== 0) counter.add(value, bounded(attributes));
      };
    },
    histogram: ({ name, unit }) => {
      const histogram = meter.createHistogram(name, { unit });
      return (value, attributes) => histogram.record(value, bounded(attributes));
    },
  };
}
