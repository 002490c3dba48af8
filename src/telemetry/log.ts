import type { FleetEvent } from '../domain/event.ts';
import { describeError } from './describe.ts';
import { endpointOf } from './endpoint.ts';
import type { FailedAttempt, Journal } from './port.ts';
import { createQuoted, type Level, requestMembers, seconds, verdictOf, wasTroubled } from './requestLine.ts';

export interface LogOptions {
  /** Whether each request has its line; else only those that met with trouble. */
  readonly requests: boolean;
}

/** The caller did not wait for the answer. */
const LEFT = 499;

/** One JSON line for everything that is worth a line. */
export function createLog(
  write: (line: string) => void,
  now: () => number,
  { requests }: LogOptions = { requests: true },
): Journal {
  const line = (level: Level, message: string, facts: object): void => {
    write(JSON.stringify({ time: new Date(now()).toISOString(), level, message, ...facts }));
  };
  const quoted = createQuoted();
  const timeText = createTimeText();
  return {
    attemptFailed: (attempt) => {
      const own = attempt.outcome === 'filtered' || attempt.outcome === 'refused' || attempt.outcome === 'aborted';
      if (!own)
        line(attempt.outcome === 'misconfigured' ? 'error' : 'warn', MESSAGES[attempt.outcome], attemptFacts(attempt));
    },
    retrying: ({ requestId, agent, from, to, cause }) =>
      line('warn', from === to ? 'Retrying with the same backend' : 'Retrying with fallback backend', {
        requestId,
        agentName: agent,
        from,
        to,
        cause,
      }),
    streamBroken: (stream) => line('warn', 'Stream broke after it had begun', stream),
    requestEnded: (record) => {
      if (!requests && !wasTroubled(record)) return;
      const { level, message } = verdictOf(record);
      write(
        `{"time":"${timeText(now())}","level":"${level}","message":"${message}",${requestMembers(record, quoted)}}`,
      );
    },
    requestRefused: ({ requestId, agent, status, code, durationMs }) => {
      const { level, message } = verdictOf({ end: status === LEFT ? 'aborted' : 'error', status, errorCode: code });
      if (!requests && level === 'info') return;
      const timing = { responseTime: Math.round(durationMs), attempts: 0 };
      line(level, message, { requestId, agentName: agent, ...timing, status, code });
    },
    quotaRunsLow: (level) => line('warn', 'Quota runs low', level),
    credentialsRefused: (facts) => line('warn', 'Credentials refused', facts),
    priceUnknown: (facts) =>
      line('warn', 'Price of the model is unknown: its tokens are counted, its cost is not', facts),
    usageLost: (facts) => line('error', 'Usage was lost: the ledger could not be written', facts),
    happened: (event) => {
      const { kind, at: _, ...facts } = event;
      if (kind !== 'failover') line(LEVELS[kind], TOLD[kind], facts);
    },
    storeLost: (facts) => line('error', 'The store does not answer; routing goes on by what is known', facts),
    storeFound: (facts) => line('info', 'The store answers again', facts),
    fault: ({ requestId, error }) => line('error', 'The router failed', { requestId, error: describeError(error) }),
  };
}

/** ISO 8601, as `toISOString` has it; most requests end in the second of the one before. */
function createTimeText(): (instant: number) => string {
  let second = Number.NaN;
  let text = '';
  return (instant) => {
    const now = Math.floor(instant / 1000);
    if (now !== second) {
      second = now;
      text = new Date(now * 1000).toISOString().slice(0, 20);
    }
    return `${text}${String(Math.floor(instant) - now * 1000).padStart(3, '0')}Z`;
  };
}

function attemptFacts({ requestId, agent, deployment, outcome, cause, retryAfterMs }: FailedAttempt): object {
  const retryAfter = retryAfterMs === null ? null : seconds(retryAfterMs);
  const place = { requestId, agentName: agent, endpoint: endpointOf(deployment), deployment };
  return outcome === 'throttled' ? { ...place, retryAfter, cause } : { ...place, outcome, cause };
}

type Told = Exclude<FleetEvent['kind'], 'failover'>;

const LEVELS: Readonly<Record<Told, Level>> = {
  agentMoved: 'warn',
  agentReturned: 'info',
  opened: 'error',
  probed: 'info',
  closed: 'info',
  rested: 'info',
  misconfigured: 'error',
  mended: 'info',
  drained: 'warn',
  restored: 'info',
};

const TOLD: Readonly<Record<Told, string>> = {
  agentMoved: 'Agent moved',
  agentReturned: 'Agent returned home',
  opened: 'Breaker opened',
  probed: 'Breaker half-open: one request finds out',
  closed: 'Breaker closed',
  rested: 'Deployment rests',
  misconfigured: 'Deployment is out of rotation until its configuration is mended',
  mended: 'Deployment is configured rightly again',
  drained: 'Deployment drained',
  restored: 'Deployment restored',
};

const MESSAGES = {
  ok: 'Request successful',
  throttled: 'Rate limit hit (429)',
  failing: 'Deployment failed',
  misconfigured: 'Deployment is misconfigured',
  filtered: 'Filtered',
  refused: 'Refused',
  aborted: 'Aborted',
} as const;
