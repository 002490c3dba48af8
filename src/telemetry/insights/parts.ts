/** What the parts of the connection to Application Insights know of each other; nothing here loads the SDK. */
import type { EventName } from '../names.ts';
import type { Gauges } from '../port.ts';

export type Attributes = Record<string, string | number>;

/** As `@azure/identity` has it. */
export interface TokenCredential {
  getToken(
    scopes: string | string[],
    options?: object,
  ): Promise<{ readonly token: string; readonly expiresOnTimestamp: number } | null>;
}

/** As the exporter's pipeline wants it. */
export type HttpClient = NonNullable<
  NonNullable<
    ConstructorParameters<typeof import('@azure/monitor-opentelemetry-exporter').AzureMonitorMetricExporter>[0]
  >['httpClient']
>;

/** OpenTelemetry's own words, as far as they are used. */
export interface Meter {
  createCounter(name: string, options: { unit: string }): { add(value: number, attributes: Attributes): void };
  createHistogram(name: string, options: { unit: string }): { record(value: number, attributes: Attributes): void };
  createObservableGauge(name: string, options: { unit: string }): ObservableGauge;
}

export interface ObservableGauge {
  addCallback(observe: (result: { observe(value: number, attributes: Attributes): void }) => void): void;
}

export interface Sdk {
  readonly meter: Meter;
  emit(name: EventName, at: number, dimensions: Attributes): void;
  /** Sends what is left. */
  close(): Promise<void>;
}

export interface ExporterParts {
  readonly connectionString: string;
  readonly credential: TokenCredential | null;
  readonly instance: string;
  readonly roleName: string;
  readonly exportEveryMs: number;
  readonly httpClient: HttpClient | undefined;
  /** `null`: nothing on disk; absent: where the exporter keeps it. */
  readonly storageDirectory: string | null | undefined;
}

export interface InsightsOptions {
  readonly connectionString: string;
  /** Without one the connection string's key is enough. */
  readonly credential: null | (() => Promise<TokenCredential>);
  readonly gauges: Gauges;
  readonly labelValues: number;
  /** Calls back once the first answer has gone out. */
  readonly after: (fn: () => void) => void;
  readonly instance: string;
  readonly roleName: string;
  readonly exportEveryMs?: number;
  readonly httpClient?: HttpClient;
  readonly storageDirectory?: string | null;
  /** Told once where the connection could not be made; from then on nothing is told to Application Insights. */
  readonly onFailure?: (error: unknown) => void;
}
