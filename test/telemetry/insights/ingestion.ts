/** Application Insights as the exporter sees it: whatever is sent is remembered, envelope by envelope. */
import { setImmediate } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { connectInsights, type Insights } from '../../../src/telemetry/insights/connect.ts';
import type { HttpClient, InsightsOptions } from '../../../src/telemetry/insights/parts.ts';
import type { Gauges } from '../../../src/telemetry/port.ts';

// Read by the exporter as it is made: it would report on itself to Microsoft.
process.env['APPLICATION_INSIGHTS_NO_STATSBEAT'] = '1';

export const CONNECTION =
  'InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=https://ingestion.invalid/';

type Properties = Readonly<Record<string, string>>;

export interface Envelope {
  readonly time: string;
  readonly tags: Properties;
  readonly data: {
    readonly baseType: string;
    readonly baseData: {
      readonly name?: string;
      readonly properties: Properties;
      readonly metrics?: readonly Point[];
    };
  };
}

interface Point {
  readonly name: string;
  readonly value: number;
  readonly count?: number;
  readonly min?: number;
  readonly max?: number;
}

export interface Measured extends Point {
  readonly properties: Properties;
}

export interface SentRequest {
  readonly url: string;
  readonly authorization: string | undefined;
  readonly text: string;
}

export type Behaviour = 'well' | 'dead' | 'hanging' | 'failing';

export class Ingestion {
  readonly requests: SentRequest[] = [];
  become: Behaviour = 'well';

  readonly httpClient = {
    sendRequest: (request: Parameters<HttpClient['sendRequest']>[0]) => this.#answer(request),
  } as unknown as HttpClient;

  get envelopes(): Envelope[] {
    return this.requests.flatMap(({ text }) => JSON.parse(text) as Envelope[]);
  }

  get measured(): Measured[] {
    return this.envelopes
      .filter(({ data }) => data.baseType === 'MetricData')
      .flatMap(({ data: { baseData } }) =>
        (baseData.metrics ?? []).map((point) => ({ ...point, properties: baseData.properties })),
      );
  }

  metric(name: string): Measured[] {
    return this.measured.filter((one) => one.name === name);
  }

  /** What was added up under a metric, as far as its dimensions are these. */
  sum(name: string, dimensions: Properties = {}): number {
    return this.metric(name)
      .filter(({ properties }) => Object.entries(dimensions).every(([label, value]) => properties[label] === value))
      .reduce((sum, { value }) => sum + value, 0);
  }

  get events(): { name: string; properties: Properties; time: string }[] {
    return this.envelopes
      .filter(({ data }) => data.baseType === 'EventData')
      .map(({ time, data: { baseData } }) => ({ name: baseData.name ?? '', properties: baseData.properties, time }));
  }

  get text(): string {
    return this.requests.map(({ text }) => text).join('\n');
  }

  async #answer(request: Parameters<HttpClient['sendRequest']>[0]): Promise<object> {
    if (this.become === 'hanging') await new Promise(() => undefined);
    if (this.become === 'dead')
      throw Object.assign(new Error('nobody listens'), { name: 'RestError', code: 'ECONNREFUSED' });
    if (this.become === 'failing') return answer(request, 503, '{}');
    const bytes = Buffer.from(request.body as string);
    const text = request.headers.get('content-encoding') === 'gzip' ? gunzipSync(bytes).toString() : bytes.toString();
    this.requests.push({ url: request.url, authorization: request.headers.get('authorization'), text });
    const items = (JSON.parse(text) as unknown[]).length;
    return answer(request, 200, JSON.stringify({ itemsReceived: items, itemsAccepted: items, errors: [] }));
  }
}

function answer(request: object, status: number, bodyAsText: string): object {
  const headers = new Map<string, string>();
  return { request, status, bodyAsText, headers: Object.assign(headers, { toJSON: () => ({}) }) };
}

export const NO_GAUGES: Gauges = {
  deployments: () => [],
  assignments: () => [],
  quotas: () => [],
  store: () => ({ healthy: true, instances: 1 }),
};

export interface Connected extends Insights {
  readonly ingestion: Ingestion;
}

/** A connection to an ingestion of its own; nothing is loaded yet unless `after` says so. */
export function connecting(options: Partial<InsightsOptions> = {}): Connected {
  const ingestion = new Ingestion();
  const insights = connectInsights({
    connectionString: CONNECTION,
    credential: null,
    gauges: NO_GAUGES,
    labelValues: 200,
    after: (fn) => fn(),
    instance: 'i-1',
    roleName: 'router',
    httpClient: ingestion.httpClient,
    storageDirectory: null,
    ...options,
  });
  return { ...insights, ingestion };
}

export async function connected(options: Partial<InsightsOptions> = {}): Promise<Connected> {
  const connection = connecting(options);
  await loaded();
  return connection;
}

export async function loaded(): Promise<void> {
  await import('../../../src/telemetry/insights/sdk.ts');
  await setImmediate();
}
