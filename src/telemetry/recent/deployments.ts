import type { DeploymentId } from '../../domain/deployment.ts';
import type { DeploymentActivity } from '../../domain/overview.ts';
import type { RequestRecord } from '../../domain/usage.ts';
import { DURATION_BUCKETS, durationBucket, percentileMs } from './durations.ts';
import { Slots } from './slots.ts';

/** Ten half minutes: what is shown is between four and a half minutes old and five. */
const PERIOD_MS = 30_000;
const PERIODS = 10;

interface Figures {
  attempts: number;
  throttled: number;
  failed: number;
  tokens: number;
  readonly served: Uint32Array;
}

/** The attempts of the last five minutes by deployment. There are as many as the configuration has. */
export class RecentAttempts {
  readonly #deployments = new Map<DeploymentId, Slots<Figures>>();

  add({ at, attempts, deployment, tokens, firstChunkMs, durationMs, end }: RequestRecord): void {
    const period = Math.floor(at / PERIOD_MS);
    for (const { deployment: tried, outcome } of attempts) {
      const figures = this.#at(tried, period);
      if (figures === null) continue;
      figures.attempts += 1;
      if (outcome === 'throttled') figures.throttled += 1;
      else if (outcome === 'failing' || outcome === 'misconfigured') figures.failed += 1;
    }
    // What was given again says nothing about the deployment that once served it.
    const figures = deployment === null || attempts.length === 0 ? null : this.#at(deployment, period);
    if (figures === null) return;
    figures.tokens += tokens.prompt + tokens.completion;
    if (end !== 'ok') return;
    const bucket = durationBucket(firstChunkMs ?? durationMs);
    figures.served[bucket] = (figures.served[bucket] ?? 0) + 1;
  }

  view(now: number): DeploymentActivity[] {
    const period = Math.floor(now / PERIOD_MS);
    return Array.from(this.#deployments, ([id, slots]) => viewOf(id, [...slots.upTo(period)]))
      .filter(({ attempts, tokens }) => attempts > 0 || tokens > 0)
      .sort((left, right) => (left.deployment < right.deployment ? -1 : 1));
  }

  #at(id: DeploymentId, period: number): Figures | null {
    let slots = this.#deployments.get(id);
    if (slots === undefined) {
      slots = new Slots(PERIODS, newFigures, clear);
      this.#deployments.set(id, slots);
    }
    return slots.at(period);
  }
}

function newFigures(): Figures {
  return { attempts: 0, throttled: 0, failed: 0, tokens: 0, served: new Uint32Array(DURATION_BUCKETS) };
}

function clear(figures: Figures): void {
  figures.attempts = 0;
  figures.throttled = 0;
  figures.failed = 0;
  figures.tokens = 0;
  figures.served.fill(0);
}

function viewOf(deployment: DeploymentId, periods: readonly Figures[]): DeploymentActivity {
  const sum = newFigures();
  for (const { attempts, throttled, failed, tokens, served } of periods) {
    sum.attempts += attempts;
    sum.throttled += throttled;
    sum.failed += failed;
    sum.tokens += tokens;
    for (const [at, count] of served.entries()) sum.served[at] = (sum.served[at] ?? 0) + count;
  }
  const { served, ...figures } = sum;
  return { deployment, ...figures, p50Ms: percentileMs(served, 0.5), p95Ms: percentileMs(served, 0.95) };
}
