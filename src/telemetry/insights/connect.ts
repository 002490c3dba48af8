/** Application Insights behind the journal: loaded once the first answer is out, and never in the way of a request. */
import { forward } from '../fanOut.ts';
import { BoundedLabels } from '../labels.ts';
import type { Journal } from '../port.ts';
import { observeGauges } from './gauges.ts';
import { createMeteringJournal } from './meteringJournal.ts';
import type { InsightsOptions, Sdk } from './parts.ts';

/** What is told before the SDK is there; a start under load tells more than that, and is not to be slowed by it. */
const KEPT = 1_000;
const EXPORT_EVERY_MS = 60_000;
/** The Functions host waits five to ten seconds for what runs at the end. */
const CLOSE_WITHIN_MS = 5_000;

export interface Insights {
  readonly journal: Journal;
  /** Sends what is left; comes back within 5 s, whatever becomes of it. */
  readonly close: () => Promise<void>;
}

type Call = (to: Journal) => void;
type Phase =
  | { readonly kind: 'waiting'; readonly kept: Call[]; dropped: number }
  | { readonly kind: 'connected'; readonly journal: Journal; readonly sdk: Sdk }
  | { readonly kind: 'over' };

export function connectInsights(options: InsightsOptions): Insights {
  const connection = new Connection(options);
  options.after(() => void connection.open());
  return {
    journal: forward((call) => connection.tell(call)),
    close: () => within(CLOSE_WITHIN_MS, connection.close()),
  };
}

class Connection {
  readonly #options: InsightsOptions;
  #phase: Phase = { kind: 'waiting', kept: [], dropped: 0 };
  #opening: Promise<void> | null = null;

  constructor(options: InsightsOptions) {
    this.#options = options;
  }

  tell(call: Call): void {
    switch (this.#phase.kind) {
      case 'waiting':
        if (this.#phase.kept.length < KEPT) this.#phase.kept.push(call);
        else this.#phase.dropped++;
        return;
      case 'connected':
        call(this.#phase.journal);
        return;
      case 'over':
        return;
      default:
        this.#phase satisfies never;
    }
  }

  open(): Promise<void> {
    this.#opening ??= this.#connect().catch((error: unknown) => {
      this.#phase = { kind: 'over' };
      this.#options.onFailure?.(error);
    });
    return this.#opening;
  }

  async #connect(): Promise<void> {
    const { credential, gauges, labelValues, exportEveryMs = EXPORT_EVERY_MS } = this.#options;
    const { connectionString, instance, roleName, httpClient, storageDirectory } = this.#options;
    const token = credential === null ? null : await credential();
    const { openSdk } = await import('./sdk.ts');
    const exporter = { connectionString, instance, roleName, httpClient, storageDirectory };
    const sdk = openSdk({ ...exporter, credential: token, exportEveryMs });
    const labels = new BoundedLabels(labelValues);
    const { journal, countDropped } = createMeteringJournal(sdk, { labels, instance });
    observeGauges(sdk.meter, gauges, labels);
    const { kept, dropped } = this.#phase.kind === 'waiting' ? this.#phase : { kept: [], dropped: 0 };
    this.#phase = { kind: 'connected', journal, sdk };
    for (const call of kept) call(journal);
    if (dropped > 0) countDropped(dropped);
  }

  /** What was told before the first answer had gone out is told all the same. */
  async close(): Promise<void> {
    const nothingTold = this.#phase.kind === 'waiting' && this.#phase.kept.length === 0;
    if (this.#opening !== null || !nothingTold) await this.open();
    const last = this.#phase;
    this.#phase = { kind: 'over' };
    this.#opening ??= Promise.resolve();
    if (last.kind === 'connected') await last.sdk.close();
  }
}

async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
