import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AgentFinding } from '../../src/domain/assignment.ts';
import type { DeploymentId } from '../../src/domain/deployment.ts';
import {
  type AgentEvidence,
  type AgentFacts,
  type AgentRecord,
  AT_HOME,
  failuresNow,
  foldAgent,
  gathered,
} from '../../src/fleet/agents.ts';
import { NOW } from './facts.ts';

const WINDOW_MS = 300_000;
const A: DeploymentId = 'A/m';
const B: DeploymentId = 'B/m';
const C: DeploymentId = 'C/m';

function factsOf(instance: string): AgentFacts {
  return { instance, failureThreshold: 3, failureWindowMs: WINDOW_MS };
}

const I1 = factsOf('i1');
const I2 = factsOf('i2');

function finding(facts: Partial<AgentFinding>): AgentFinding {
  return { agent: 'cpt_agent', on: A, failed: true, at: NOW, fallback: B, cause: 'throttled', ...facts };
}

/** One instance that tells the fleet everything at once. */
class Teller {
  readonly #facts: AgentFacts;
  #evidence: AgentEvidence | null = null;

  constructor(facts: AgentFacts) {
    this.#facts = facts;
  }

  tell(record: AgentRecord, facts: Partial<AgentFinding>): AgentRecord {
    this.#evidence = gathered(this.#evidence, record, finding(facts), this.#facts);
    if (this.#evidence === null) return record;
    const told = foldAgent(record, this.#evidence, this.#facts);
    this.#evidence = null;
    return told;
  }
}

describe('an agent that fails where it is at home', () => {
  test('stays there twice and moves with the third failure within the window', () => {
    const one = new Teller(I1);
    const first = one.tell(AT_HOME, { at: NOW });
    const second = one.tell(first, { at: NOW + 60_000 });
    expect(second.assignment).toBeNull();
    expect(failuresNow(second, NOW + 60_000, WINDOW_MS)).toHaveLength(2);
    expect(one.tell(second, { at: NOW + 120_000 }).assignment).toEqual({
      deployment: B,
      from: A,
      why: 'moved',
      cause: 'throttled',
      since: NOW + 120_000,
      returnAt: NOW + 120_000 + WINDOW_MS,
    });
  });

  test('moves by failures of several instances together', () => {
    const [one, two] = [new Teller(I1), new Teller(I2)];
    const second = two.tell(one.tell(AT_HOME, { at: NOW }), { at: NOW + 1 });
    expect(two.tell(second, { at: NOW + 2 }).assignment?.deployment).toBe(B);
  });

  test('stays where its failures lie further apart than the window', () => {
    const one = new Teller(I1);
    let record = AT_HOME;
    for (let count = 0; count < 9; count++) record = one.tell(record, { at: NOW + count * 160_000 });
    expect(record.assignment).toBeNull();
  });

  test('begins anew after a success, whoever saw it', () => {
    const [one, two] = [new Teller(I1), new Teller(I2)];
    let record = one.tell(one.tell(AT_HOME, { at: NOW }), { at: NOW + 1 });
    record = two.tell(record, { failed: false, at: NOW + 2 });
    record = one.tell(one.tell(record, { at: NOW + 3 }), { at: NOW + 4 });
    expect(record.assignment).toBeNull();
    expect(one.tell(record, { at: NOW + 5 }).assignment?.deployment).toBe(B);
  });

  test('stays as long as nobody else can serve it, and moves as soon as somebody can', () => {
    const one = new Teller(I1);
    let record = AT_HOME;
    for (let count = 0; count < 5; count++) record = one.tell(record, { at: NOW + count, fallback: null });
    expect(record.assignment).toBeNull();
    expect(one.tell(record, { at: NOW + 9, fallback: C }).assignment?.deployment).toBe(C);
  });
});

describe('an agent that has moved', () => {
  const moved: AgentRecord = {
    assignment: { deployment: B, from: A, why: 'moved', cause: 'throttled', since: NOW, returnAt: NOW + WINDOW_MS },
    failures: null,
  };

  test('is not moved again by what others still tell of the place it left', () => {
    const late = { on: A, failedAt: [NOW, NOW + 1, NOW + 2], servedAt: null, fallback: C, cause: 'throttled' };
    expect(foldAgent(moved, late, I2)).toBe(moved);
  });

  test('moves on where it fails there too', () => {
    const one = new Teller(I1);
    let record = moved;
    for (let count = 1; count <= 3; count++) record = one.tell(record, { on: B, at: NOW + count, fallback: C });
    expect(record.assignment).toMatchObject({ deployment: C, from: B });
  });

  test('has come home when it is served there after its window', () => {
    const one = new Teller(I1);
    expect(one.tell(moved, { failed: false, at: NOW + WINDOW_MS - 1 })).toBe(moved);
    expect(one.tell(moved, { failed: false, at: NOW + WINDOW_MS }).assignment).toBeNull();
  });

  test('stays where an operator has pinned it, however often it fails', () => {
    const pinned: AgentRecord = {
      assignment: { deployment: B, from: A, why: 'operator', cause: '', since: NOW, returnAt: null },
      failures: null,
    };
    const one = new Teller(I1);
    let record = pinned;
    for (let count = 1; count <= 9; count++) record = one.tell(record, { on: B, at: NOW + count });
    expect(record.assignment).toBe(pinned.assignment);
  });
});

test('evidence told twice is counted once', () => {
  const told = fc.record({
    on: fc.constantFrom(A, B),
    failedAt: fc
      .array(fc.integer({ min: NOW - 400_000, max: NOW }), { maxLength: 4 })
      .map((at) => at.sort((left, right) => left - right)),
    servedAt: fc.option(fc.integer({ min: NOW - 400_000, max: NOW })),
    fallback: fc.constantFrom(C, null),
    cause: fc.constant('throttled'),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(told, fc.constantFrom(I1, I2)), { maxLength: 6 }), (tellings) => {
      let record = AT_HOME;
      for (const [evidence, facts] of tellings) {
        record = foldAgent(record, evidence, facts);
        expect(foldAgent(record, evidence, facts)).toEqual(record);
      }
    }),
    { numRuns: 500 },
  );
});

test('however failures, successes and instances follow each other, it moves exactly when three count', () => {
  const steps = fc.array(
    fc.record({
      instance: fc.constantFrom('i1', 'i2', 'i3'),
      failed: fc.boolean(),
      afterMs: fc.integer({ min: 1, max: 200_000 }),
    }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(steps, (taken) => {
      const tellers = new Map(['i1', 'i2', 'i3'].map((name) => [name, new Teller(factsOf(name))]));
      let record = AT_HOME;
      let counted: number[] = [];
      let at = NOW;
      for (const { instance, failed, afterMs } of taken) {
        at += afterMs;
        record = tellers.get(instance)?.tell(record, { failed, at }) ?? record;
        counted = failed ? [...counted.filter((one) => one > at - WINDOW_MS), at] : [];
        if (counted.length >= 3) {
          expect(record.assignment).toMatchObject({ deployment: B, since: at });
          return;
        }
        expect(record.assignment).toBeNull();
        expect(failuresNow(record, at, WINDOW_MS)).toEqual(counted);
      }
    }),
    { numRuns: 500 },
  );
});
