import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DeploymentId } from '../../src/domain/deployment.ts';
import { type AgentRecord, AT_HOME } from '../../src/fleet/agents.ts';
import { counted, instancesIn, NO_CENSUS } from '../../src/fleet/census.ts';
import { isUntroubled, UNTROUBLED } from '../../src/fleet/deployments.ts';
import { agentEvents, deploymentEvents } from '../../src/fleet/events.ts';
import { fold } from '../../src/fleet/fold.ts';
import {
  decodeAgents,
  decodeDeployments,
  EMPTY_DEPLOYMENTS,
  encodeAgents,
  encodeDeployments,
  withAgent,
  withDeployment,
} from '../../src/fleet/sheets.ts';
import { sweptAgent, sweptDeployment } from '../../src/fleet/sweep.ts';
import { anyFleet, BREAKER, evidence, failures, halfOpen, I1, NOW, open } from './facts.ts';

const MOVED: AgentRecord = {
  assignment: { deployment: 'B/m', from: 'A/m', why: 'moved', cause: 'c', since: NOW, returnAt: NOW + 300_000 },
  failures: null,
};

describe('the sheet of the deployments', () => {
  test('reads as it was written, but for what needs no place in it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), anyFleet), (known) => {
        const deployments = new Map(Object.entries(known).map(([id, fleet]) => [id as DeploymentId, fleet]));
        const sheet = { deployments, census: { epoch: 7, marks: [1, 2], before: 3 } };
        const read = decodeDeployments(encodeDeployments(sheet, NOW, BREAKER));
        const kept = [...deployments].filter(([, fleet]) => !isUntroubled(fleet, NOW, BREAKER));
        expect(read).toEqual({ ...sheet, deployments: new Map(kept) });
      }),
      { numRuns: 300 },
    );
  });

  test('is small while all is well', () => {
    expect(encodeDeployments(EMPTY_DEPLOYMENTS, NOW, BREAKER).length).toBeLessThan(100);
  });

  test('with a hundred dead deployments fits into one property of a row', () => {
    let sheet = EMPTY_DEPLOYMENTS;
    for (let count = 0; count < 100; count++)
      sheet = withDeployment(sheet, `east${count}/gpt-4.1`, () => open(NOW + 30_000));
    expect(encodeDeployments(sheet, NOW, BREAKER).length * 2).toBeLessThan(64 * 1024);
  });

  test.each(['', 'x', '[]', '{}', '{"deployments":[]}', '{"deployments":{"A/m":5}}'])(
    'cannot be read from %j',
    (text) => {
      expect(decodeDeployments(text)).toBeNull();
    },
  );

  test('takes what it does not understand of a deployment for untroubled', () => {
    const text = JSON.stringify({ deployments: { 'A/m': 5, 'B/m': { breaker: { kind: 'ajar' } } }, census: {} });
    expect([...(decodeDeployments(text)?.deployments.values() ?? [])]).toEqual([UNTROUBLED, UNTROUBLED]);
  });
});

describe('the sheet of the agents', () => {
  test('reads as it was written, whatever the agents are called', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 20 }), (names) => {
        const agents = new Map(['__proto__', 'constructor', ...names].map((name) => [name, MOVED]));
        expect(decodeAgents(encodeAgents({ agents }))).toEqual({ agents });
      }),
    );
  });

  test('keeps pins and the latest moves where there are more agents than it may hold', () => {
    const agents = new Map(
      Array.from({ length: 3_000 }, (_, at): [string, AgentRecord] => [
        `agent${at}`,
        { assignment: { ...assignmentOf(MOVED), since: NOW + at, returnAt: at === 0 ? null : NOW }, failures: null },
      ]),
    );
    const kept = decodeAgents(encodeAgents({ agents }))?.agents;
    expect(kept?.size).toBe(2_000);
    expect(kept?.has('agent0')).toBe(true);
    expect(kept?.has('agent1')).toBe(false);
    expect(kept?.has('agent2999')).toBe(true);
  });
});

function assignmentOf({ assignment }: AgentRecord) {
  if (assignment === null) throw new Error('the agent is at home');
  return assignment;
}

describe('the census', () => {
  test.each([3, 16, 100, 1_000])('of %d instances comes near their number, and few of them write', (count) => {
    const names = Array.from({ length: count }, (_, at) => `instance-${at}-${(at * 2_654_435_761) % 97}`);
    let census = NO_CENSUS;
    let writes = 0;
    const epoch = 600_000;
    for (let at = NOW; at < NOW + 2 * epoch; at += 1_000) {
      for (const name of names) {
        const next = counted(census, name, at);
        if (next !== census) writes++;
        census = next;
      }
    }
    expect(instancesIn(census)).toBeGreaterThanOrEqual(count / 2);
    expect(instancesIn(census)).toBeLessThanOrEqual(count * 2);
    expect(writes).toBeLessThanOrEqual(2 * Math.min(count, 16 * (1 + Math.log(Math.max(1, count / 16)))) + 40);
  });
});

test('the census does not forget a fleet at the turn of an epoch', () => {
  const names = Array.from({ length: 1_000 }, (_, at) => `instance-${at}`);
  let census = NO_CENSUS;
  for (const name of names) census = counted(census, name, NOW + 120_000);
  census = counted(census, 'instance-0', NOW + 660_000);
  expect(census.marks.length).toBeLessThan(16);
  expect(instancesIn(census)).toBeGreaterThan(500);
});

describe('the timer', () => {
  const agents = { failureWindowMs: 300_000 };
  const facts = (homeIsBack: boolean, now = NOW + 300_000) => ({ now, agents, homeIsBack: () => homeIsBack });

  test('sends an agent home when its window is over and its home is back, and not before', () => {
    expect(sweptAgent(MOVED, facts(true))).toEqual(AT_HOME);
    expect(sweptAgent(MOVED, facts(false))).toBe(MOVED);
    expect(sweptAgent(MOVED, facts(true, NOW + 299_999))).toBe(MOVED);
  });

  test('leaves pinned agents alone', () => {
    const pinned = { ...MOVED, assignment: { ...assignmentOf(MOVED), returnAt: null } };
    expect(sweptAgent(pinned, facts(true, NOW + 1e12))).toBe(pinned);
  });

  test('forgets failures that are older than the window', () => {
    const record: AgentRecord = { assignment: null, failures: { on: 'A/m', since: 0, reports: { i1: [NOW] } } };
    expect(sweptAgent(record, facts(true, NOW + 299_999))).toBe(record);
    expect(sweptAgent(record, facts(true))).toEqual(AT_HOME);
  });

  test('forgets old failures of a deployment, and breakers that nobody has asked about for an hour', () => {
    const one = fold(UNTROUBLED, failures(1), I1);
    expect(sweptDeployment(one, NOW + 1, BREAKER)).toBe(one);
    expect(sweptDeployment(one, NOW + 60_000, BREAKER).breaker).toMatchObject({ kind: 'closed', reports: {} });
    const lapsed = open(NOW);
    expect(sweptDeployment(lapsed, NOW + 600_000, BREAKER)).toBe(lapsed);
    expect(sweptDeployment(lapsed, NOW + 2 * 3_600_000, BREAKER).breaker.kind).toBe('closed');
    expect(sweptDeployment(halfOpen('x', NOW), NOW + 2 * 3_600_000, BREAKER).breaker.kind).toBe('closed');
  });

  test('changes nothing the second time', () => {
    fc.assert(
      fc.property(anyFleet, (fleet) => {
        const once = sweptDeployment(fleet, NOW + 5e6, BREAKER);
        expect(sweptDeployment(once, NOW + 5e6, BREAKER)).toBe(once);
      }),
    );
  });
});

describe('what people are told', () => {
  const told = { at: NOW, instance: 'i1' };
  const id: DeploymentId = 'A/m';

  test('is each step of a breaker once', () => {
    const opened = fold(UNTROUBLED, failures(5), I1);
    expect(deploymentEvents(id, UNTROUBLED, opened, told)).toMatchObject([{ kind: 'opened', cause: 'status 503' }]);
    expect(deploymentEvents(id, opened, { ...opened }, told)).toEqual([]);
    const probed = halfOpen('x', NOW + 9);
    expect(deploymentEvents(id, opened, probed, told)).toMatchObject([{ kind: 'probed' }]);
    expect(deploymentEvents(id, probed, halfOpen('x', NOW + 99), told)).toEqual([]);
    expect(deploymentEvents(id, probed, halfOpen('y', NOW + 99, 2), told)).toMatchObject([
      { kind: 'opened' },
      { kind: 'probed' },
    ]);
    expect(deploymentEvents(id, probed, UNTROUBLED, told)).toMatchObject([{ kind: 'closed', cause: 'status 503' }]);
  });

  test('is the beginning of a rest, and not its being drawn out', () => {
    const rest = fold(UNTROUBLED, evidence({ rest: { at: NOW, until: NOW + 9_000 } }), I1);
    expect(deploymentEvents(id, UNTROUBLED, rest, told)).toMatchObject([{ kind: 'rested', until: NOW + 9_000 }]);
    expect(deploymentEvents(id, rest, { ...rest, restUntil: NOW + 20_000 }, told)).toEqual([]);
  });

  test('is where an agent went, and that it came home', () => {
    expect(agentEvents('cpt_agent', AT_HOME, MOVED, told)).toMatchObject([
      { kind: 'agentMoved', from: 'A/m', to: 'B/m' },
    ]);
    expect(agentEvents('cpt_agent', MOVED, { ...MOVED }, told)).toEqual([]);
    expect(agentEvents('cpt_agent', MOVED, AT_HOME, told)).toMatchObject([{ kind: 'agentReturned', from: 'B/m' }]);
  });
});

test('a sheet that is not changed stays the same object', () => {
  expect(withDeployment(EMPTY_DEPLOYMENTS, 'A/m', (fleet) => fleet)).toBe(EMPTY_DEPLOYMENTS);
  const sheet = { agents: new Map([['a', MOVED]]) };
  expect(withAgent(sheet, 'a', (record) => record)).toBe(sheet);
});
