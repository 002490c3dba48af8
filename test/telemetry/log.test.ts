import { describe, expect, it } from 'vitest';
import { fanOut } from '../../src/telemetry/fanOut.ts';
import { createLog, type LogOptions } from '../../src/telemetry/log.ts';
import type { Journal } from '../../src/telemetry/port.ts';
import { SILENT } from '../harness/silent.ts';
import { FAILED_OVER, REFUSED, record } from './records.ts';

const NOW = Date.UTC(2026, 10, 21, 12, 30);

function listen(options?: LogOptions): { journal: Journal; lines: string[]; told: () => Record<string, unknown>[] } {
  const lines: string[] = [];
  return {
    journal: createLog(
      (line) => lines.push(line),
      () => NOW,
      options,
    ),
    lines,
    told: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

const THROTTLED = {
  requestId: 'request-1',
  agent: 'cpt_agent',
  deployment: 'A/gpt-4.1',
  outcome: 'throttled',
  cause: 'status 429',
  retryAfterMs: 1_500,
} as const;

describe('the log', () => {
  it('tells a successful request in one line with everything an operator asks for', () => {
    const { journal, lines, told } = listen();
    journal.requestEnded(record());
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('\n');
    expect(told()[0]).toEqual({
      time: '2026-11-21T12:30:00.000Z',
      level: 'info',
      message: 'Request successful',
      requestId: 'request-1',
      agentName: 'cpt_agent',
      account: 'clinic-7',
      creator: 'maria',
      operation: 'coding',
      model: 'gpt-4.1',
      endpoint: 'A',
      deployment: 'A/gpt-4.1',
      responseTime: 1_235,
      attempts: 1,
      status: 200,
      tokens: { prompt: 1_000, cached: 400, completion: 50, reasoning: 20 },
      costUsd: 0.0018,
      estimated: false,
    });
  });

  it('tells a request that fails over in three lines, in the order of the story and under one id', () => {
    const { journal, told } = listen();
    journal.attemptFailed(THROTTLED);
    journal.retrying({
      requestId: 'request-1',
      agent: 'cpt_agent',
      from: 'A/gpt-4.1',
      to: 'B/gpt-4.1',
      cause: 'throttled',
    });
    journal.requestEnded(FAILED_OVER);
    expect(told()).toMatchObject([
      {
        level: 'warn',
        message: 'Rate limit hit (429)',
        requestId: 'request-1',
        agentName: 'cpt_agent',
        endpoint: 'A',
        deployment: 'A/gpt-4.1',
        retryAfter: 1.5,
      },
      {
        level: 'warn',
        message: 'Retrying with fallback backend',
        requestId: 'request-1',
        agentName: 'cpt_agent',
        from: 'A/gpt-4.1',
        to: 'B/gpt-4.1',
        cause: 'throttled',
      },
      { level: 'info', message: 'Request successful', requestId: 'request-1', deployment: 'B/gpt-4.1', attempts: 2 },
    ]);
  });

  it('calls no fallback what is tried again on the same deployment', () => {
    const { journal, told } = listen();
    const same = { from: 'A/gpt-4.1', to: 'A/gpt-4.1', cause: 'failing' } as const;
    journal.retrying({ requestId: 'request-1', agent: 'cpt_agent', ...same });
    expect(told()).toMatchObject([{ message: 'Retrying with the same backend', ...same }]);
  });

  it('says null where a wait was not named, and where a price is not known', () => {
    const { journal, told } = listen();
    journal.attemptFailed({ ...THROTTLED, retryAfterMs: null });
    journal.requestEnded(record({ costNanoUsd: null, deployment: null, endpoint: null }));
    expect(told()).toMatchObject([{ retryAfter: null }, { costUsd: null, deployment: null, endpoint: null }]);
  });

  it('says code and wait of a request that was refused', () => {
    const { journal, told } = listen();
    journal.requestEnded(REFUSED);
    expect(told()).toMatchObject([
      { level: 'info', message: 'Request refused', code: 'quota_exceeded', retryAfter: 2.5, costUsd: 0, attempts: 0 },
    ]);
  });

  it.each([
    { end: 'filtered', level: 'info', message: 'Filtered' },
    { end: 'refused', level: 'info', message: 'Request refused' },
    { end: 'aborted', level: 'info', message: 'Caller left' },
    { end: 'broken', level: 'warn', message: 'Stream broke' },
    { end: 'throttled', level: 'warn', message: 'Request failed' },
    { end: 'failing', level: 'error', message: 'Request failed' },
    { end: 'misconfigured', level: 'error', message: 'Request failed' },
  ] as const)('calls the end "$end": $message ($level)', ({ end, level, message }) => {
    const { journal, told } = listen();
    journal.requestEnded(record({ end }));
    expect(told()).toMatchObject([{ level, message }]);
  });

  it.each([
    { status: 401, code: 'unauthorized', level: 'info', message: 'Request refused' },
    { status: 502, code: 'upstream_failed', level: 'error', message: 'Request failed' },
    { status: 500, code: 'internal', level: 'error', message: 'Request failed' },
    { status: 429, code: 'no_deployment_available', level: 'error', message: 'Request failed' },
  ] as const)('tells an error of its own with $status $code as: $message ($level)', (row) => {
    const { journal, told } = listen();
    journal.requestEnded(record({ end: 'error', status: row.status, errorCode: row.code }));
    expect(told()).toMatchObject([{ level: row.level, message: row.message, code: row.code }]);
  });

  it('leaves untroubled requests out where others keep count, and tells troubled ones to their end', () => {
    const { journal, told } = listen({ requests: false });
    journal.requestEnded(record());
    journal.requestEnded(REFUSED);
    journal.requestEnded(FAILED_OVER);
    journal.requestEnded(record({ end: 'failing' }));
    expect(told().map(({ message }) => message)).toEqual(['Request successful', 'Request failed']);
  });

  it("is silent about attempts that failed by the caller's own doing", () => {
    const { journal, lines } = listen();
    for (const outcome of ['filtered', 'refused', 'aborted'] as const) journal.attemptFailed({ ...THROTTLED, outcome });
    expect(lines).toEqual([]);
  });
});

describe('the line of a request that was wrong in itself', () => {
  const refused = { requestId: 'r', agent: 'ada', status: 400, code: 'invalid_request', durationMs: 1.4 };
  const LINE = { requestId: 'r', agentName: 'ada', responseTime: 1, attempts: 0 };
  it.each([
    {
      what: 'bad input',
      facts: {},
      is: { level: 'info', message: 'Request refused', status: 400, code: 'invalid_request' },
    },
    {
      what: 'a store that is away',
      facts: { status: 503, code: 'internal' },
      is: { level: 'error', message: 'Request failed', status: 503, code: 'internal' },
    },
    {
      what: 'a caller who left',
      facts: { status: 499, code: 'internal' },
      is: { level: 'info', message: 'Caller left', status: 499, code: 'internal' },
    },
  ])('tells $what', ({ facts, is }) => {
    const { journal, told } = listen();
    journal.requestRefused({ ...refused, ...facts });
    expect(told()).toEqual([{ time: '2026-11-21T12:30:00.000Z', ...LINE, ...is }]);
  });

  it('is left out where requests have no lines, unless it is in trouble', () => {
    const { journal, told } = listen({ requests: false });
    journal.requestRefused(refused);
    journal.requestRefused({ ...refused, status: 503 });
    expect(told()).toMatchObject([{ status: 503 }]);
  });
});

describe('fanOut', () => {
  it('tells everything to each, in order', () => {
    const heard: string[] = [];
    const listener = (name: string): Journal => ({
      ...SILENT,
      requestEnded: ({ requestId }) => heard.push(`${name} ${requestId}`),
      storeFound: ({ lostForMs }) => heard.push(`${name} ${lostForMs}`),
    });
    const journal = fanOut([listener('first'), listener('second')]);
    journal.requestEnded(record());
    journal.storeFound({ lostForMs: 5 });
    expect(heard).toEqual(['first request-1', 'second request-1', 'first 5', 'second 5']);
  });

  it('passes every kind of call to the same one', () => {
    const kinds: (keyof Journal)[] = [
      'attemptFailed',
      'retrying',
      'streamBroken',
      'requestEnded',
      'requestRefused',
      'quotaRunsLow',
      'credentialsRefused',
      'priceUnknown',
      'usageLost',
      'happened',
      'storeLost',
      'storeFound',
      'fault',
    ];
    const heard: [string, unknown][] = [];
    const listener = Object.fromEntries(kinds.map((kind) => [kind, (facts: unknown) => heard.push([kind, facts])]));
    const journal = fanOut([listener as unknown as Journal]) as unknown as Record<string, (facts: unknown) => void>;
    expect(Object.keys(journal).sort()).toEqual([...kinds].sort());
    for (const kind of kinds) journal[kind]?.({ kind });
    expect(heard).toEqual(kinds.map((kind) => [kind, { kind }]));
  });
});
