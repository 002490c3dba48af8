/** What an instance holds of agents before the fleet has heard of it. */
import { describe, expect, test } from 'vitest';
import type { AgentFinding } from '../../src/domain/assignment.ts';
import { type AgentSheet, EMPTY_AGENTS } from '../../src/fleet/sheets.ts';
import { KnownAgents } from '../../src/state/knownAgents.ts';
import { NOW } from '../fleet/facts.ts';

const SETTINGS = { homes: new Map(), defaultHome: null, failureThreshold: 2, failureWindowMs: 300_000 };

function known() {
  const agents = new KnownAgents('i1', SETTINGS);
  let at = NOW;
  const learn = (facts: Partial<AgentFinding>): boolean => {
    at += 10;
    return agents.learn({ agent: 'owner', on: 'A/m', failed: true, fallback: 'B/m', cause: 'failing', at, ...facts });
  };
  const told = (): AgentSheet => agents.fold(EMPTY_AGENTS);
  const place = () => agents.assignment('owner')?.deployment ?? 'home';
  return { agents, learn, told, place };
}

describe('a move that the fleet has not heard of yet', () => {
  test('stays where the agent is served at its other end', () => {
    const { agents, learn, told, place } = known();
    learn({});
    learn({});
    expect(place()).toBe('B/m');
    expect(learn({ on: 'B/m', failed: false })).toBe(false);
    expect(place()).toBe('B/m');
    expect(told().agents.get('owner')?.assignment).toMatchObject({ deployment: 'B/m', from: 'A/m' });
    agents.absorb(told());
    expect([place(), agents.isUrgent]).toEqual(['B/m', false]);
  });

  test('is followed by the next where the agent fails at its other end too', () => {
    const { agents, learn, told, place } = known();
    for (const [on, fallback] of [
      ['A/m', 'B/m'],
      ['A/m', 'B/m'],
      ['B/m', 'C/m'],
      ['B/m', 'C/m'],
    ] as const)
      learn({ on, fallback });
    expect(place()).toBe('C/m');
    expect(told().agents.get('owner')?.assignment).toMatchObject({ deployment: 'C/m', from: 'B/m' });
    agents.absorb(told());
    expect([place(), [...agents.names()], agents.isUrgent]).toEqual(['C/m', ['owner'], false]);
  });

  test('is told in part where the fleet has heard of its beginning', () => {
    const { agents, learn, told } = known();
    learn({});
    learn({});
    const first = told();
    learn({ on: 'B/m', fallback: 'C/m' });
    agents.absorb(first);
    expect(agents.fold(first).agents.get('owner')).toMatchObject({
      assignment: { deployment: 'B/m' },
      failures: { on: 'B/m', reports: { i1: [expect.any(Number)] } },
    });
  });

  test('does not become a story without end', () => {
    const { learn, told } = known();
    const places = ['A/m', 'B/m', 'C/m', 'D/m', 'E/m', 'F/m', 'G/m'] as const;
    for (const [at, on] of places.entries()) {
      const fallback = places[at + 1] ?? 'A/m';
      learn({ on, fallback });
      learn({ on, fallback });
    }
    expect(told().agents.get('owner')?.assignment?.deployment).toBe('E/m');
  });
});
