import { describe, expect, test } from 'vitest';
import * as format from '../../src/dashboard/words/format.ts';
import { eventKey, eventWords, sinceText, whyText } from '../../src/dashboard/words/sentences.ts';
import { verdictOf } from '../../src/dashboard/words/verdict.ts';
import { DEPLOYMENT_EVENTS } from '../../src/domain/event.ts';
import type { Overview } from '../../src/domain/overview.ts';
import { agent, at, deployment, event, minute, moved, NOW, overview, pool } from './overviews.ts';

const ZONE = 'UTC';
const verdict = (changes: Partial<Overview> = {}) => verdictOf(overview(changes), NOW, ZONE);
const resting = deployment('A/gpt-4.1', { state: 'throttled', until: at(130) });
const wentToB = (count: number, seconds = -30) =>
  event('failover', {
    agent: 'cpt_agent',
    from: 'A/gpt-4.1',
    to: 'B/gpt-4.1',
    cause: 'throttled',
    count,
    at: at(seconds),
  });

describe('the verdict', () => {
  test('says that all is well, and nothing else', () => {
    expect(verdict()).toEqual({ tone: 'good', headline: 'All 3 deployments serve.', further: [] });
  });

  test('says what is wrong, why, until when, and what was done about it', () => {
    const deployments = [resting, deployment('B/gpt-4.1')];
    const events = [wentToB(9), wentToB(5)];
    const said = verdict({ deployments, events, agents: [moved('cpt_agent'), moved('icd_agent'), agent('lcd_agent')] });
    expect(said).toEqual({
      tone: 'wait',
      headline: 'A/gpt-4.1 is resting until 03:12:10 (429).',
      further: ['14 requests went to B/gpt-4.1.', '2 agents moved.'],
    });
  });

  test.each<{ what: string; changes: Partial<Overview>; tone: string; headline: string }>([
    {
      what: 'one deployment that serves',
      changes: { deployments: [deployment('A/a')] },
      tone: 'good',
      headline: 'The one deployment serves.',
    },
    { what: 'none at all', changes: { deployments: [] }, tone: 'off', headline: 'No deployment is configured.' },
    {
      what: 'an open breaker',
      changes: {
        deployments: [deployment('A/a', { state: 'open', until: at(5), cause: 'status 500' }), deployment('B/a')],
      },
      tone: 'bad',
      headline: 'A/a is open until 03:10:05 (500).',
    },
    {
      what: 'a misconfiguration whose code is its status',
      changes: {
        deployments: [deployment('A/a', { state: 'misconfigured', cause: 'status 401 401' }), deployment('B/a')],
      },
      tone: 'bad',
      headline: 'A/a is misconfigured (401).',
    },
    {
      what: 'a drain, which is by intent',
      changes: { deployments: [deployment('A/a', { state: 'drained' }), deployment('B/a')] },
      tone: 'off',
      headline: 'A/a is drained.',
    },
    {
      what: 'two that are out',
      changes: { deployments: [resting, deployment('B/a', { state: 'halfOpen' }), deployment('C/a')] },
      tone: 'wait',
      headline: 'A/gpt-4.1 is resting until 03:12:10 (429) and B/a is half-open.',
    },
    {
      what: 'many that are out',
      changes: { deployments: ['A/a', 'B/a', 'C/a'].map((id) => deployment(id, { state: 'open' })) },
      tone: 'bad',
      headline: '3 of 3 deployments are out: 3 open.',
    },
  ])('tells of $what', ({ changes, tone, headline }) => {
    expect(verdict(changes)).toMatchObject({ tone, headline });
  });

  test('names those that are out, the graver first, where the headline only counts them', () => {
    const states = ['throttled', 'drained', 'open', 'throttled', 'misconfigured'] as const;
    const { further } = verdict({ deployments: states.map((state, index) => deployment(`A/${index}`, { state })) });
    expect(further.map((sentence) => sentence.slice(0, 3))).toEqual(['A/2', 'A/4', 'A/0', 'A/1', '1 m']);
  });

  test.each<{ what: string; changes: Partial<Overview>; says: string; tone: string }>([
    {
      what: 'a pool without anybody',
      changes: { pools: [pool('gpt-4.1', { current_endpoint: null })] },
      says: 'Nothing serves gpt-4.1.',
      tone: 'bad',
    },
    {
      what: 'a store that is away',
      changes: { store: { ...overview().store, healthy: false, since: at(-60) } },
      says: 'The store has not answered since 03:09:00; routing goes on from what this instance knows.',
      tone: 'wait',
    },
    {
      what: 'requests that failed just now',
      changes: {
        activity: {
          ...overview().activity,
          minutes: [minute({ failed: 9 }), ...Array.from({ length: 4 }, () => minute()), minute({ failed: 3 })],
        },
      },
      says: '3 requests failed in the last 5 minutes.',
      tone: 'good',
    },
    {
      what: 'a quota that is used up',
      changes: {
        quotas: [
          {
            account: 'clinic-7',
            quota: 'tokensPerDay',
            limit: 5,
            used: 5,
            reserved: 0,
            remaining: 0,
            resetsAt: at(60),
          },
        ],
      },
      says: 'clinic-7 has used up its tokensPerDay until 03:11:00.',
      tone: 'good',
    },
    {
      what: 'one that is coming back',
      changes: { deployments: [deployment('A/a', { state: 'ramping' })] },
      says: 'A/a is coming back.',
      tone: 'wait',
    },
  ])('adds $what', ({ changes, says, tone }) => {
    const told = verdict(changes);
    expect(told.further).toEqual([says]);
    expect(told.tone).toBe(tone);
  });

  test('does not tell of old failovers', () => {
    expect(verdict({ events: [wentToB(3, -700)] }).further).toEqual([]);
  });

  test('sums up failovers to many places', () => {
    const events = ['B/a', 'C/a', 'D/a'].map((to, index) => event('failover', { to, count: index + 1 }));
    expect(verdict({ events }).further).toEqual(['6 requests went elsewhere, most of them to D/a.']);
  });
});

describe('events', () => {
  test.each([
    [wentToB(14), '14 requests of cpt_agent went to B/gpt-4.1 instead of A/gpt-4.1 (throttled).'],
    [wentToB(1), 'A request of cpt_agent went to B/gpt-4.1 instead of A/gpt-4.1 (throttled).'],
    [
      event('agentMoved', { agent: 'x', from: null, to: 'B/a', cause: 'by an operator' }),
      'x moved to B/a (by an operator).',
    ],
    [event('agentReturned', { agent: 'x', from: 'B/a' }), 'x went home from B/a.'],
    [
      event('opened', { deployment: 'A/a', until: at(30), cause: 'status 500' }),
      'The breaker of A/a opened until 03:10:30 (500).',
    ],
    [event('toString', { cause: 'x' }), 'toString (x).'],
    [event('laterInvention'), 'laterInvention.'],
  ])('%# reads as a sentence', (told, sentence) => {
    expect(eventWords(told, NOW, ZONE).sentence).toBe(sentence);
  });

  test.each(DEPLOYMENT_EVENTS)('%s has words of its own, with the deployment in them', (kind) => {
    const { sentence, label } = eventWords(event(kind, { deployment: 'A/gpt-4.1' }), NOW, ZONE);
    expect(sentence).toMatch(/A\/gpt-4\.1.*\.$/);
    expect(label).not.toBe(kind);
  });

  test('have keys that tell them apart', () => {
    const same = { at: at(0), deployment: 'A/a' };
    const keys = [event('opened', same), event('closed', same), event('opened', { ...same, deployment: 'B/a' })].map(
      eventKey,
    );
    expect(new Set(keys).size).toBe(3);
  });
});

describe('an agent', () => {
  test.each([
    [agent('x'), 'at its home', '–'],
    [moved('x'), 'moved by failures: throttled', 'since 03:09:00'],
    [
      agent('x', { why: 'operator', since: at(0), returnAt: at(60) }),
      'moved by an operator',
      'since 03:10:00, home from 03:11:00',
    ],
    [agent('x', { why: 'pinned', since: at(0), pinned: true }), 'pinned by an operator', 'since 03:10:00'],
    [agent('x', { why: null }), 'goes where its pool says', '–'],
  ])('%# is explained', (one, why, since) => {
    expect(whyText(one)).toBe(why);
    expect(sinceText(one, NOW, ZONE)).toBe(since);
  });
});

describe('figures', () => {
  test.each([
    [format.count(0), '0'],
    [format.count(9_999), '9,999'],
    [format.count(1_234_567), '1.2M'],
    [format.counted(1, 'request'), '1 request'],
    [format.percent(0, 0), '–'],
    [format.percent(0, 5), '0%'],
    [format.percent(1, 10_000), '<0.1%'],
    [format.percent(1, 3), '33%'],
    [format.percent(1, 30), '3.3%'],
    [format.percent(99_999, 100_000), '>99.9%'],
    [format.percent(998, 1_000), '99.8%'],
    [format.percent(5, 5), '100%'],
    [format.milliseconds(null), '–'],
    [format.milliseconds(73.4), '73 ms'],
    [format.milliseconds(1_500), '1.50 s'],
    [format.milliseconds(100_000), '1 min 40 s'],
    [format.latencies(null, null), '–'],
    [format.latencies(73, 103), '73 / 103 ms'],
    [format.latencies(73, 1_500), '73 ms / 1.50 s'],
    [format.dollars(0), '$0'],
    [format.dollars(0.00001), '<$0.0001'],
    [format.dollars(0.0083), '$0.0083'],
    [format.dollars(0.42), '$0.420'],
    [format.dollars(12.3), '$12.30'],
    [format.duration(0), '0 s'],
    [format.duration(59_001), '1 min'],
    [format.duration(3_600_000), '1 h'],
    [format.duration(90_061_000), '1 d 1 h'],
    [format.countdown(at(12), NOW), 'in 12 s'],
    [format.countdown(at(-1), NOW), 'any moment'],
    [format.clockTime(at(1), NOW, ZONE), '03:10:01'],
    [format.clockTime('2026-11-20T23:59:59Z', NOW, ZONE), '20 Nov 23:59'],
    [format.clockTime('never', NOW, ZONE), 'never'],
    [format.listed([]), ''],
    [format.listed(['A']), 'A'],
    [format.listed(['A', 'B', 'C']), 'A, B and C'],
    [format.listed(['A', 'B', 'C', 'D', 'E']), 'A, B, C and 2 more'],
  ])('%s is %s', (is, shouldBe) => {
    expect(is).toBe(shouldBe);
  });
});
