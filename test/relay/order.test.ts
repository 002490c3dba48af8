import { describe, expect, test } from 'vitest';
import type { DeploymentId } from '../../src/domain/deployment.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import { takeNext } from '../../src/relay/order.ts';
import type { Trail } from '../../src/relay/trail.ts';
import { configOf } from '../harness/router.ts';

const REGIONS = { A: 'east', B: 'east', C: 'east', D: 'west', E: null, F: null } as const;
const CONFIG = configOf({
  endpoints: Object.fromEntries(
    Object.entries(REGIONS).map(([name, region]) => [
      name,
      {
        url: `https://${name.toLowerCase()}.openai.azure.com`,
        apiKey: 'k',
        api: 'v1',
        deployments: { m: { model: 'm' }, n: { model: 'm' } },
        ...(region === null ? {} : { region }),
      },
    ]),
  ),
});

function taken(waiting: readonly DeploymentId[], tried: readonly (readonly [DeploymentId, Outcome])[]): DeploymentId[] {
  const trail: Trail = tried.map(([deployment, outcome]) => ({ deployment, outcome, cause: 'c', taught: true }));
  const left = waiting.map((id) => {
    const deployment = CONFIG.deployments.get(id);
    if (deployment === undefined) throw new Error(`${id} is not configured`);
    return { deployment, tier: null, ramping: false };
  });
  const order: DeploymentId[] = [];
  for (let next = takeNext(left, trail, CONFIG); next !== undefined; next = takeNext(left, trail, CONFIG)) {
    order.push(next.deployment.id);
  }
  return order;
}

describe('who is tried next', () => {
  test.each([
    { what: 'the first in order', tried: [], order: ['B/m', 'C/m', 'D/m'] },
    { what: 'the first in order after one failure', tried: [['A/m', 'failing']], order: ['B/m', 'C/m', 'D/m'] },
    {
      what: 'whoever is in another region after two failures in one',
      tried: [
        ['A/m', 'failing'],
        ['A/n', 'failing'],
      ],
      order: ['D/m', 'B/m', 'C/m'],
    },
    {
      what: 'the first in order after two that were throttled, as that says nothing about the region',
      tried: [
        ['A/m', 'throttled'],
        ['A/n', 'throttled'],
      ],
      order: ['B/m', 'C/m', 'D/m'],
    },
    {
      what: 'the first in order after failures in two regions',
      tried: [
        ['A/m', 'failing'],
        ['D/n', 'failing'],
      ],
      order: ['B/m', 'C/m', 'D/m'],
    },
  ] as const)('is $what', ({ tried, order }) => {
    expect(taken(['B/m', 'C/m', 'D/m'], tried)).toEqual(order);
  });

  test('is whoever is on another endpoint, where endpoints do not say their region', () => {
    const tried = [
      ['E/m', 'failing'],
      ['E/n', 'failing'],
    ] as const;
    expect(taken(['E/m', 'F/m', 'F/n'], tried)).toEqual(['F/m', 'F/n', 'E/m']);
  });

  test('is the first in order where all are in the region that is down', () => {
    const tried = [
      ['A/m', 'failing'],
      ['A/n', 'failing'],
    ] as const;
    expect(taken(['B/m', 'C/m'], tried)).toEqual(['B/m', 'C/m']);
  });
});
