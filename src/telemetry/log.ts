import type { Journal } from './port.ts';

type Level = 'info' | 'warn' | 'error';

/** One JSON line for everything that is worth a line; an untroubled request is not. */
export function createLog(write: (line: string) => void, now: () => number): Journal {
  const line = (level: Level, message: string, facts: object): void => {
    write(JSON.stringify({ time: new Date(now()).toISOString(), level, message, ...facts }));
  };
  return {
    attemptFailed: (attempt) => {
      const own = attempt.outcome === 'filtered' || attempt.outcome === 'refused' || attempt.outcome === 'aborted';
      if (!own) line(attempt.outcome === 'misconfigured' ? 'error' : 'warn', MESSAGES[attempt.outcome], attempt);
    },
    streamBroken: (stream) => line('warn', 'Stream broke after it had begun', stream),
    fault: ({ requestId, error }) => line('error', 'The router failed', { requestId, error: describe(error) }),
  };
}

const MESSAGES = {
  ok: 'Request successful',
  throttled: 'Rate limit hit (429)',
  failing: 'Deployment failed',
  misconfigured: 'Deployment is misconfigured',
  filtered: 'Filtered',
  refused: 'Refused',
  aborted: 'Aborted',
} as const;

/** Where it happened and its kind: messages may quote what they stumbled over. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const place = error.stack?.split('\n').find((one) => one.trimStart().startsWith('at '));
  return `${error.name}${place === undefined ? '' : ` ${place.trim()}`}`;
}
