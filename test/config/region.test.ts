import { describe, expect, test } from 'vitest';
import { accepted, ENV, faultAt, ONE, parse, refused } from './parsing.ts';

const ENDPOINTS = {
  A: { ...ONE.endpoints.A, region: 'eastus2' },
  B: { ...ONE.endpoints.A, region: 'West Europe' },
  C: ONE.endpoints.A,
};

function withRegion(preferRegion: unknown, endpoints: object = ENDPOINTS): object {
  return { endpoints, pools: { p: { members: ['A/gpt-4.1', 'C/gpt-4.1'], preferRegion } } };
}

function preferred(document: object, env: Readonly<Record<string, string>> = {}) {
  const { config, notes } = accepted(parse(document, { ...ENV, ...env }));
  return { region: config.pools.get('p')?.preferRegion, notes };
}

describe('the preferred region of a pool', () => {
  test.each([
    { what: 'absent', written: undefined, is: null },
    { what: 'false', written: false, is: null },
    { what: 'named', written: 'eastus2', is: 'eastus2' },
    { what: 'named as people write it', written: 'East US 2', is: 'eastus2' },
    { what: 'named as its endpoint does not spell it', written: 'westeurope', is: 'westeurope' },
  ])('may be $what', ({ written, is }) => {
    expect(preferred(withRegion(written), { REGION_NAME: 'West Europe' })).toEqual({ region: is, notes: [] });
  });

  test.each([
    { what: 'REGION_NAME, as Azure sets it', env: { REGION_NAME: 'East US 2' }, is: 'eastus2' },
    { what: 'ROUTER_REGION', env: { ROUTER_REGION: 'eastus2' }, is: 'eastus2' },
    {
      what: 'ROUTER_REGION before REGION_NAME',
      env: { ROUTER_REGION: 'West Europe', REGION_NAME: 'East US 2' },
      is: 'westeurope',
    },
    {
      what: 'REGION_NAME where the other is blank',
      env: { ROUTER_REGION: ' ', REGION_NAME: 'eastus2' },
      is: 'eastus2',
    },
  ])('is the router’s own by $what', ({ env, is }) => {
    expect(preferred(withRegion(true), env)).toEqual({ region: is, notes: [] });
  });

  test('is none, with a note, where nobody says where the router runs', () => {
    expect(preferred(withRegion(true))).toEqual({
      region: null,
      notes: ['pools.p.preferRegion has no effect: neither ROUTER_REGION nor REGION_NAME says where the router runs.'],
    });
  });

  test('has no effect, with a note, where the router runs in a region without endpoints', () => {
    expect(preferred(withRegion(true), { REGION_NAME: 'Norway East' }).notes).toEqual([
      "pools.p.preferRegion has no effect: no endpoint is in the router's own region, norwayeast.",
    ]);
  });

  test('that no endpoint is in is a fault, with the near miss', () => {
    expect(faultAt(refused(parse(withRegion('eastus'))), 'pools.p.preferRegion')).toEqual({
      path: 'pools.p.preferRegion',
      problem: 'No endpoint is in the region "eastus".',
      found: '"eastus"',
      allowed: 'true, eastus2, West Europe',
      suggestion: 'eastus2',
    });
    const [fault] = refused(parse(withRegion('eastus2', { A: ONE.endpoints.A, C: ONE.endpoints.A })));
    expect(fault).toMatchObject({ path: 'pools.p.preferRegion', allowed: 'true, once endpoints say their "region"' });
  });

  test('of another kind is a fault', () => {
    expect(faultAt(refused(parse(withRegion(2))), 'pools.p.preferRegion')).toMatchObject({
      found: '2',
      allowed: 'true, or the name of a region, such as "eastus2"',
    });
  });

  test('is not doubted where an endpoint has a fault of its own: it may be the one', () => {
    const faults = refused(parse(withRegion('norwayeast', { ...ENDPOINTS, B: { region: 'norwayeast' } })));
    expect(faults.map(({ path }) => path)).not.toContain('pools.p.preferRegion');
  });
});
