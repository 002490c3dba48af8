/** What this instance has served lately, kept in bounded memory for those who look at it: the last hour, and no more. */
import type { Activity, ActivityMinute } from '../../domain/overview.ts';
import type { RequestRecord } from '../../domain/usage.ts';
import type { Journal } from '../port.ts';
import { verdictOf } from '../requestLine.ts';
import { RecentAttempts } from './deployments.ts';
import { Shares, type Used, usdOf } from './shares.ts';
import { Slots } from './slots.ts';

const MINUTE_MS = 60_000;
const MINUTES = 60;

interface Minute {
  requests: number;
  failed: number;
  throttled: number;
  failovers: number;
  promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
  costNanoUsd: number;
  hits: number;
  misses: number;
}

export interface RecentActivity {
  readonly journal: Journal;
  activity(): Activity;
}

export function createRecentActivity(now: () => number): RecentActivity {
  const minutes = new Slots<Minute>(MINUTES, emptyMinute, (minute) => Object.assign(minute, emptyMinute()));
  const attempts = new RecentAttempts();
  const by = {
    creator: new Shares(),
    model: new Shares(),
    operation: new Shares(),
    agent: new Shares(),
    account: new Shares(),
  };
  return {
    journal: requestsOnly((record) => {
      const minute = Math.floor(record.at / MINUTE_MS);
      const used = usedBy(record);
      addTo(minutes.at(minute), record, used);
      attempts.add(record);
      const { creator, model, operation, agent, account } = record.labels;
      by.creator.add(minute, creator, used);
      by.model.add(minute, model, used);
      by.operation.add(minute, operation, used);
      by.agent.add(minute, agent, used);
      by.account.add(minute, account, used);
    }),
    activity() {
      const instant = now();
      const last = Math.floor(instant / MINUTE_MS);
      const first = last - MINUTES + 1;
      return {
        minutes: Array.from({ length: MINUTES }, (_, at) => minuteView(first + at, minutes.peek(first + at))),
        deployments: attempts.view(instant),
        by: {
          creator: by.creator.view(last),
          model: by.model.view(last),
          operation: by.operation.view(last),
          agent: by.agent.view(last),
          account: by.account.view(last),
        },
        cache: cacheView(minutes.upTo(last)),
      };
    },
  };
}

function usedBy({ tokens: { prompt, cached, completion }, costNanoUsd }: RequestRecord): Used {
  return { tokens: prompt + completion, cachedTokens: cached, costNanoUsd: costNanoUsd ?? 0 };
}

function addTo(minute: Minute | null, record: RequestRecord, { costNanoUsd }: Used): void {
  if (minute === null) return;
  minute.requests += 1;
  if (isFailed(record)) minute.failed += 1;
  const { attempts, tokens } = record;
  let before = attempts[0]?.deployment;
  let isThrottled = false;
  for (const { deployment, outcome } of attempts) {
    if (outcome === 'throttled') isThrottled = true;
    if (deployment !== before) minute.failovers += 1;
    before = deployment;
  }
  if (isThrottled) minute.throttled += 1;
  minute.promptTokens += tokens.prompt;
  minute.cachedTokens += tokens.cached;
  minute.completionTokens += tokens.completion;
  minute.costNanoUsd += costNanoUsd;
  if (record.cache === 'hit') minute.hits += 1;
  else if (record.cache === 'miss') minute.misses += 1;
}

/** As the log has it: whatever the caller wanted and did not get, but for what was its own fault. */
function isFailed(record: RequestRecord): boolean {
  return record.end !== 'ok' && verdictOf(record).level !== 'info';
}

function emptyMinute(): Minute {
  return {
    requests: 0,
    failed: 0,
    throttled: 0,
    failovers: 0,
    promptTokens: 0,
    cachedTokens: 0,
    completionTokens: 0,
    costNanoUsd: 0,
    hits: 0,
    misses: 0,
  };
}

const NOTHING = emptyMinute();

function minuteView(minute: number, found: Minute | null): ActivityMinute {
  const { costNanoUsd, hits: _, misses: __, ...figures } = found ?? NOTHING;
  return { at: new Date(minute * MINUTE_MS).toISOString(), ...figures, costUsd: usdOf(costNanoUsd) };
}

function cacheView(minutes: Iterable<Minute>): Activity['cache'] {
  let [hits, misses] = [0, 0];
  for (const minute of minutes) {
    hits += minute.hits;
    misses += minute.misses;
  }
  return { hits, misses };
}

/** Whatever else happens is told of in the fleet's events. */
function requestsOnly(requestEnded: (record: RequestRecord) => void): Journal {
  const nothing = (): void => undefined;
  return {
    attemptFailed: nothing,
    retrying: nothing,
    streamBroken: nothing,
    requestEnded,
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
}
