/**
 * Rate limits of one deployment. Standard: tokens and requests a minute, charged on arrival by an estimate. PTU: a bucket that
 * leaks at the rate bought; calls are refused while it is more than full, so that one call may carry it over the rim.
 */
import type { Clock } from '../domain/clock.ts';
import type { DeploymentOptions } from './fleet.ts';
import { gatewayError, Refusal } from './refusal.ts';

const MINUTE_MS = 60_000;
/** Azure spreads requests per minute over shorter windows. */
const REQUEST_WINDOWS_PER_MINUTE = 6;
/** What the headers tell of a deployment without limits. */
const PRETENDED_TOKENS = 10_000_000;
const PRETENDED_REQUESTS = 10_000;

export interface Limits {
  /** Takes the call in or throws the 429. */
  admit(call: { readonly estimate: number; readonly what: string }): void;
  /** Puts the estimate right once it is known what the call took; only PTU looks at it. */
  settle(estimate: number, taken: number): void;
  headers(): Readonly<Record<string, string>>;
}

export function createLimits(options: DeploymentOptions, clock: Clock): Limits {
  return options.kind === 'ptu'
    ? provisioned(options.tokensPerMinute ?? PRETENDED_TOKENS, clock)
    : standard(options, clock);
}

interface Bucket {
  readonly perMinute: number;
  /** How long until it holds that much, in milliseconds. */
  waitMs(amount: number): number;
  take(amount: number): void;
  left(): number;
}

function createBucket(perMinute: number, capacity: number, clock: Clock): Bucket {
  let level = capacity;
  let filledAt = clock.now();
  const fill = () => {
    const now = clock.now();
    level = Math.min(capacity, level + ((now - filledAt) * perMinute) / MINUTE_MS);
    filledAt = now;
  };
  return {
    perMinute,
    waitMs(amount) {
      fill();
      // What will never fit waits for the next minute: Azure says no more either.
      if (amount > capacity) return MINUTE_MS;
      return amount <= level ? 0 : Math.ceil(((amount - level) * MINUTE_MS) / perMinute);
    },
    take(amount) {
      fill();
      level -= amount;
    },
    left() {
      fill();
      return Math.max(0, Math.floor(level));
    },
  };
}

function standard(options: DeploymentOptions, clock: Clock): Limits {
  const tokensPerMinute = options.tokensPerMinute ?? PRETENDED_TOKENS;
  const requestsPerMinute = options.requestsPerMinute ?? PRETENDED_REQUESTS;
  const tokens = createBucket(tokensPerMinute, tokensPerMinute, clock);
  const requests = createBucket(requestsPerMinute, Math.max(1, requestsPerMinute / REQUEST_WINDOWS_PER_MINUTE), clock);
  return {
    admit({ estimate, what }) {
      const tokensWaitMs = options.tokensPerMinute === undefined ? 0 : tokens.waitMs(estimate);
      const requestsWaitMs = options.requestsPerMinute === undefined ? 0 : requests.waitMs(1);
      const waitMs = Math.max(tokensWaitMs, requestsWaitMs);
      if (waitMs > 0) throw throttled(what, tokensWaitMs >= requestsWaitMs ? 'token' : 'call', waitMs);
      tokens.take(estimate);
      requests.take(1);
    },
    settle() {
      // What was charged on arrival stays charged.
    },
    headers: () => ({
      'x-ratelimit-limit-requests': String(requestsPerMinute),
      'x-ratelimit-remaining-requests': String(
        Math.min(requestsPerMinute, requests.left() * REQUEST_WINDOWS_PER_MINUTE),
      ),
      'x-ratelimit-limit-tokens': String(tokensPerMinute),
      'x-ratelimit-remaining-tokens': String(tokens.left()),
    }),
  };
}

function throttled(what: string, unit: 'token' | 'call', waitMs: number): Refusal {
  const seconds = Math.ceil(waitMs / 1_000);
  return new Refusal(
    429,
    gatewayError(
      '429',
      `Requests to the ${what} Operation under Azure OpenAI have exceeded ${unit} rate limit of your current OpenAI S0 pricing tier. Please retry after ${seconds} seconds. Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit.`,
    ),
    { 'retry-after-ms': String(waitMs), 'retry-after': String(seconds) },
  );
}

function provisioned(tokensPerMinute: number, clock: Clock): Limits {
  let level = 0;
  let leakedAt = clock.now();
  const leak = () => {
    const now = clock.now();
    level = Math.max(0, level - ((now - leakedAt) * tokensPerMinute) / MINUTE_MS);
    leakedAt = now;
  };
  return {
    admit({ estimate }) {
      leak();
      if (level >= tokensPerMinute) {
        const waitMs = Math.max(1, Math.ceil(((level - tokensPerMinute) * MINUTE_MS) / tokensPerMinute) + 1);
        throw new Refusal(
          429,
          gatewayError(
            '429',
            'The provisioned-managed deployment is above 100 % of its utilization. Please retry later.',
          ),
          {
            'retry-after-ms': String(waitMs),
            'retry-after': String(Math.ceil(waitMs / 1_000)),
          },
        );
      }
      level += estimate;
    },
    settle(estimate, taken) {
      leak();
      level = Math.max(0, level + taken - estimate);
    },
    headers() {
      leak();
      return { 'azure-openai-deployment-utilization': `${((level / tokensPerMinute) * 100).toFixed(1)}%` };
    },
  };
}
