import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Health } from '../../src/domain/health.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import { refusal } from '../../src/relay/refusal.ts';
import { availability } from '../../src/routing/availability.ts';
import {
  anyHealth,
  configFor,
  DRAINED,
  HALF_OPEN,
  health,
  MISCONFIGURED,
  NOW,
  OPEN,
  PROBE,
  RESTING,
  routed,
  snapshotOf,
} from '../routing/facts.ts';

const CONFIG = configFor({ pools: { p: { strategy: 'priority', members: ['A/m', 'B/m', 'C/m'] } } });

interface Situation {
  readonly before: Readonly<Record<string, Health>>;
  readonly tried?: readonly (readonly ['A/m' | 'B/m' | 'C/m', Outcome])[];
  readonly after?: Readonly<Record<string, Health>>;
  readonly failover?: boolean;
}

function refusalFor({ before, tried = [], after = before, failover = true }: Situation) {
  const route = routed(CONFIG, { name: 'p', failover }, { snapshot: snapshotOf(before) });
  const trail = tried.map(([deployment, outcome]) => ({ deployment, outcome, cause: 'a test', taught: true }));
  return refusal({ route, trail, snapshot: snapshotOf(after), now: NOW, pauseMs: 500 });
}

const LONG_REST = health({ restUntil: NOW + 90_000 });

describe('a refusal', () => {
  test.each<{ what: string; situation: Situation; status: number; code: string; retryAfterMs: number | null }>([
    {
      what: 'all rest',
      situation: { before: { 'A/m': LONG_REST, 'B/m': RESTING, 'C/m': LONG_REST } },
      status: 429,
      code: 'no_deployment_available',
      retryAfterMs: 3_000,
    },
    {
      what: 'all breakers are open',
      situation: { before: { 'A/m': OPEN, 'B/m': OPEN, 'C/m': OPEN } },
      status: 503,
      code: 'no_deployment_available',
      retryAfterMs: 10_000,
    },
    {
      what: 'some rest and some are open',
      situation: { before: { 'A/m': OPEN, 'B/m': LONG_REST, 'C/m': HALF_OPEN } },
      status: 503,
      code: 'no_deployment_available',
      retryAfterMs: 8_000,
    },
    {
      what: 'some rest and some are misconfigured',
      situation: { before: { 'A/m': MISCONFIGURED, 'B/m': RESTING, 'C/m': RESTING } },
      status: 503,
      code: 'no_deployment_available',
      retryAfterMs: 3_000,
    },
    {
      what: 'all are misconfigured',
      situation: { before: { 'A/m': MISCONFIGURED, 'B/m': MISCONFIGURED, 'C/m': MISCONFIGURED } },
      status: 502,
      code: 'upstream_failed',
      retryAfterMs: null,
    },
    {
      what: 'all are drained',
      situation: { before: { 'A/m': DRAINED, 'B/m': DRAINED, 'C/m': DRAINED } },
      status: 503,
      code: 'no_deployment_available',
      retryAfterMs: null,
    },
    {
      what: 'those that are not drained are misconfigured',
      situation: { before: { 'A/m': DRAINED, 'B/m': MISCONFIGURED, 'C/m': DRAINED } },
      status: 503,
      code: 'no_deployment_available',
      retryAfterMs: null,
    },
    {
      what: 'one is drained and the others rest',
      situation: { before: { 'A/m': DRAINED, 'B/m': RESTING, 'C/m': LONG_REST } },
      status: 503,
      code: 'no_deployment_available',
      retryAfterMs: 3_000,
    },
    {
      what: 'one failed just now and was drained meanwhile',
      situation: {
        before: { 'B/m': DRAINED, 'C/m': DRAINED },
        tried: [['A/m', 'failing']],
        after: { 'A/m': DRAINED, 'B/m': DRAINED, 'C/m': DRAINED },
      },
      status: 503,
      code: 'no_deployment_available',
      retryAfterMs: null,
    },
    {
      what: 'another request is trying the only one that is left',
      situation: { before: { 'A/m': PROBE, 'B/m': LONG_REST, 'C/m': MISCONFIGURED } },
      status: 503,
      code: 'no_deployment_available',
      retryAfterMs: 500,
    },
    {
      what: 'all were throttled just now',
      situation: {
        before: {},
        tried: [
          ['A/m', 'throttled'],
          ['B/m', 'throttled'],
          ['C/m', 'throttled'],
        ],
        after: { 'A/m': LONG_REST, 'B/m': LONG_REST, 'C/m': RESTING },
      },
      status: 429,
      code: 'no_deployment_available',
      retryAfterMs: 3_000,
    },
    {
      what: 'all failed just now and none rests yet',
      situation: {
        before: {},
        tried: [
          ['A/m', 'failing'],
          ['B/m', 'failing'],
          ['C/m', 'failing'],
        ],
      },
      status: 503,
      code: 'no_deployment_available',
      retryAfterMs: 500,
    },
    {
      what: 'one rests and the others turned out misconfigured',
      situation: {
        before: { 'A/m': RESTING },
        tried: [
          ['B/m', 'misconfigured'],
          ['C/m', 'misconfigured'],
        ],
      },
      status: 503,
      code: 'no_deployment_available',
      retryAfterMs: 3_000,
    },
    {
      what: 'all turned out misconfigured',
      situation: {
        before: {},
        tried: [
          ['A/m', 'misconfigured'],
          ['B/m', 'misconfigured'],
          ['C/m', 'misconfigured'],
        ],
      },
      status: 502,
      code: 'upstream_failed',
      retryAfterMs: null,
    },
  ])('is $status $code where $what', ({ situation, status, code, retryAfterMs }) => {
    expect(refusalFor(situation)).toMatchObject({ status, code, retryAfterMs });
  });

  test('promises nothing where nobody can tell, and says why', () => {
    const { message } = refusalFor({ before: { 'A/m': DRAINED, 'B/m': DRAINED, 'C/m': MISCONFIGURED } });
    expect(message).toBe(
      'No deployment can serve this request now: A/m is drained, B/m is drained, C/m is misconfigured.',
    );
  });

  test('says which deployments were tried, and how many times', () => {
    const { headers } = refusalFor({
      before: {},
      tried: [
        ['A/m', 'failing'],
        ['B/m', 'throttled'],
        ['C/m', 'failing'],
      ],
    });
    expect(headers).toEqual(['x-router-attempts', '3', 'x-router-route', 'A/m:failing,B/m:throttled,C/m:failing']);
  });

  test('promises the soonest recovery of all that could serve, and always a time ahead', () => {
    const known = fc.record({ 'A/m': anyHealth, 'B/m': anyHealth, 'C/m': anyHealth });
    fc.assert(
      fc.property(known, (state) => {
        const standings = Object.values(state).map((one) => availability(one, NOW));
        if (standings.some(({ kind }) => kind !== 'out')) return;
        const { status, retryAfterMs } = refusalFor({ before: state });
        const outs = standings.filter((one) => one.kind === 'out');
        const foreseeable = outs.filter(({ reason }) => reason !== 'misconfigured' && reason !== 'drained');
        const mended = outs.every(({ reason }) => reason === 'misconfigured');
        if (foreseeable.length === 0) expect([status, retryAfterMs]).toEqual([mended ? 502 : 503, null]);
        else {
          expect(retryAfterMs).toBe(Math.min(...foreseeable.map(({ until }) => until - NOW)));
          expect(status).toBe(outs.every(({ reason }) => reason === 'throttled') ? 429 : 503);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
