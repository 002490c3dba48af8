import { describe, expect, test } from 'vitest';
import { formatFaults, formatFaultsAsJson } from '../../src/config/faults.ts';
import { faultAt, KEY, ONE, parse, refused } from './parsing.ts';

const member = 'A/gpt-4.1';

describe('each fault has its path, what was found, what is allowed and what was meant', () => {
  test.each([
    ['an unknown setting', { ...ONE, timeout: {} }, 'timeout', '"timeout"', 'timeouts'],
    [
      'an unknown setting deep inside',
      { ...ONE, timeouts: { deadlineMS: 5 } },
      'timeouts.deadlineMS',
      '"deadlineMS"',
      'deadlineMs',
    ],
    [
      'a setting of another spelling',
      { endpoints: { A: { ...ONE.endpoints.A, Region: 'x' } } },
      'endpoints.A.Region',
      '"Region"',
      'region',
    ],
    [
      'an unknown kind of endpoint',
      { endpoints: { A: { ...ONE.endpoints.A, kind: 'anthropic' } } },
      'endpoints.A.kind',
      '"anthropic"',
      null,
    ],
    [
      'an unknown strategy',
      { ...ONE, pools: { p: { strategy: 'roundrobin', members: [member] } } },
      'pools.p.strategy',
      '"roundrobin"',
      'roundRobin',
    ],
    ['no members', { ...ONE, pools: { p: {} } }, 'pools.p.members', null, null],
    ['an empty list of members', { ...ONE, pools: { p: { members: [] } } }, 'pools.p.members', '[]', null],
    [
      'an unknown member',
      { ...ONE, pools: { p: { members: ['A/gpt-41'] } } },
      'pools.p.members[0]',
      '"A/gpt-41"',
      member,
    ],
    [
      'a member without its endpoint',
      { ...ONE, pools: { p: { members: ['gpt-4.1'] } } },
      'pools.p.members[0]',
      '"gpt-4.1"',
      member,
    ],
    [
      'an unknown member with a weight',
      { ...ONE, pools: { p: { members: [{ deployment: 'B/gpt-4.1' }] } } },
      'pools.p.members[0]',
      '"B/gpt-4.1"',
      member,
    ],
    ['a member of the wrong kind', { ...ONE, pools: { p: { members: [7] } } }, 'pools.p.members[0]', '7', null],
    [
      'a member twice',
      { ...ONE, pools: { p: { members: [member, { deployment: member }] } } },
      'pools.p.members[1]',
      `"${member}"`,
      null,
    ],
    [
      'a negative weight',
      { ...ONE, pools: { p: { members: [{ deployment: member, weight: -1 }] } } },
      'pools.p.members[0].weight',
      '-1',
      '0',
    ],
    [
      'weights that are all 0',
      { ...ONE, pools: { p: { strategy: 'weighted', members: [{ deployment: member, weight: 0 }] } } },
      'pools.p.members',
      `[{"deployment":"${member}","weight":0}]`,
      null,
    ],
    [
      'an unknown outcome',
      { ...ONE, pools: { p: { members: [member], failoverOn: ['throtled'] } } },
      'pools.p.failoverOn[0]',
      '"throtled"',
      'throttled',
    ],
    [
      'an outcome outside a list',
      { ...ONE, pools: { p: { members: [member], failoverOn: 'failing' } } },
      'pools.p.failoverOn',
      '"failing"',
      '["failing"]',
    ],
    [
      'an unknown preset',
      { ...ONE, pools: { p: { members: [member], failoverOn: 'Availability' } } },
      'pools.p.failoverOn',
      '"Availability"',
      'availability',
    ],
    [
      'a block of 0',
      { ...ONE, pools: { p: { strategy: 'roundRobin', block: 0, members: [member] } } },
      'pools.p.block',
      '0',
      '1',
    ],
    ['a pool with a slash', { ...ONE, pools: { 'a/b': { members: [member] } } }, 'pools.a/b', '"a/b"', 'a-b'],
    ['an endpoint with a slash', { endpoints: { 'A/': ONE.endpoints.A } }, 'endpoints.A/', '"A/"', 'A'],
    [
      'a pool named like a tier',
      { ...ONE, pools: { premium: { members: [member] } } },
      'pools.premium',
      '"premium"',
      null,
    ],
    ['a pool named auto', { ...ONE, pools: { auto: { members: [member] } } }, 'pools.auto', '"auto"', null],
    ['an unknown default pool', { ...ONE, defaultPool: 'GPT-4.1' }, 'defaultPool', '"GPT-4.1"', 'gpt-4.1'],
    ['an unknown home', { ...ONE, agents: { homes: { cpt: 'A/gpt-4' } } }, 'agents.homes.cpt', '"A/gpt-4"', member],
    [
      'an unknown default home',
      { ...ONE, agents: { defaultHome: 'gpt-4.1' } },
      'agents.defaultHome',
      '"gpt-4.1"',
      member,
    ],
    ['a threshold of 0', { ...ONE, agents: { failureThreshold: 0 } }, 'agents.failureThreshold', '0', '1'],
    [
      'a name no pool can have in a chain',
      { ...ONE, tiers: { premium: { chain: ['gpt-4.1', 'gpt4.1 '] } } },
      'tiers.premium.chain[1]',
      '"gpt4.1 "',
      null,
    ],
    [
      'an unknown pool in a chain',
      { ...ONE, tiers: { premium: { chain: ['gpt4.1'] } } },
      'tiers.premium.chain[0]',
      '"gpt4.1"',
      'gpt-4.1',
    ],
    [
      'a pool twice in a chain',
      { ...ONE, tiers: { premium: { chain: ['gpt-4.1', 'gpt-4.1'] } } },
      'tiers.premium.chain[1]',
      '"gpt-4.1"',
      null,
    ],
    [
      'an unknown tier',
      { ...ONE, tiers: { Premium: { chain: ['gpt-4.1'] } } },
      'tiers.Premium',
      '"Premium"',
      'premium',
    ],
    ['a default tier that is not configured', { ...ONE, defaultTier: 'economy' }, 'defaultTier', '"economy"', null],
    [
      'a plan with a tier that is not configured',
      { ...ONE, plans: { p: { tiers: ['economy'] } } },
      'plans.p.tiers[0]',
      '"economy"',
      null,
    ],
    [
      'a plan with an unknown tier',
      { ...ONE, plans: { p: { tiers: ['premum'] } } },
      'plans.p.tiers[0]',
      '"premum"',
      'premium',
    ],
    [
      'an unknown plan',
      { ...ONE, plans: { pro: {} }, accounts: { a: { plan: 'Pro' } } },
      'accounts.a.plan',
      '"Pro"',
      'pro',
    ],
    ['a plan where there is none', { ...ONE, accounts: { a: { plan: 'pro' } } }, 'accounts.a.plan', '"pro"', null],
    [
      'a quota below 0',
      { ...ONE, accounts: { a: { quota: { usdPerDay: -1 } } } },
      'accounts.a.quota.usdPerDay',
      '-1',
      '0',
    ],
    [
      'half a token',
      { ...ONE, accounts: { a: { quota: { tokensPerDay: 0.5 } } } },
      'accounts.a.quota.tokensPerDay',
      '0.5',
      null,
    ],
    [
      'a price without output',
      { endpoints: { A: { ...ONE.endpoints.A, deployments: { x: { price: { input: 1 } } } } } },
      'endpoints.A.deployments.x.price.output',
      null,
      null,
    ],
    [
      'a deadline the front end would cut',
      { ...ONE, timeouts: { deadlineMs: 225_001 } },
      'timeouts.deadlineMs',
      '225001',
      '225000',
    ],
    ['a number in quotes', { ...ONE, timeouts: { connectMs: '3000' } }, 'timeouts.connectMs', '"3000"', '3000'],
    [
      'a flag in quotes',
      { ...ONE, pools: { p: { members: [member], cache: 'True' } } },
      'pools.p.cache',
      '"True"',
      'true',
    ],
    ['a section of the wrong kind', { ...ONE, breaker: true }, 'breaker', 'true', null],
    ['a null', { ...ONE, retries: null }, 'retries', 'null', null],
    [
      'a first rest longer than the longest',
      { ...ONE, breaker: { openMs: 5, maxOpenMs: 4 } },
      'breaker.openMs',
      '5',
      null,
    ],
    ['a body limit of 0', { ...ONE, limits: { bodyMb: 0 } }, 'limits.bodyMb', '0', '0.001'],
    ['no endpoint', {}, 'endpoints', null, null],
    ['a document that is a list', [], 'router.json', '[]', null],
  ])('%s', (_, document, path, found, suggestion) => {
    const faults = refused(parse(document));
    const fault = faultAt(faults, path);
    expect(fault).toMatchObject({ found, suggestion });
    expect(fault.problem).toMatch(/^[A-Z"].*\.$/);
    expect(fault.allowed).not.toBe('');
    expect(faults).toHaveLength(1);
  });

  test('a number out of range says the whole range', () => {
    expect(refused(parse({ ...ONE, timeouts: { deadlineMs: 0 } }))[0]?.allowed).toBe('a whole number from 1 to 225000');
  });
});

describe('all faults at once', () => {
  test('faults of form and of reference come together, none twice, none that only follows from another', () => {
    const faults = refused(
      parse({
        endpoints: { A: { ...ONE.endpoints.A, url: 5, regon: 'x' }, B: { inherits: 'Z' } },
        pools: { p: { strategy: 'even', members: ['A/gpt-4.1', 'A/none', 'B/any'] }, q: 'A/gpt-4.1' },
        defaultPool: 'q',
        tiers: { premium: { chain: ['p', 'q', 'r'] } },
        agents: { homes: { one: 'A/nowhere' } },
        limits: { bodyMb: 'big' },
      }),
    );
    expect(faults.map((fault) => fault.path).sort()).toEqual([
      'agents.homes.one',
      'endpoints.A.regon',
      'endpoints.A.url',
      'endpoints.B.inherits',
      'limits.bodyMb',
      'pools.p.members[1]',
      'pools.p.strategy',
      'pools.q',
      'tiers.premium.chain[2]',
    ]);
  });

  test('a long value is cut to 80 characters', () => {
    const [fault] = refused(parse({ ...ONE, defaultPool: 'x '.repeat(200) }));
    expect(fault?.found).toHaveLength(80);
  });
});

describe('text that is not a document', () => {
  test.each([
    ['a comma missing', '{\n  "a": 1\n  "b": 2\n}', 'router.json:3:3', 'comma'],
    ['a value missing', '{ "a": }', 'router.json:1:8', 'value'],
    ['a colon missing', '{ "a" 1 }', 'router.json:1:7', 'colon'],
    ['a brace missing', '{ "a": 1', 'router.json:1:9', 'brace'],
    ['a text not closed', '{\r\n"a": "b\r\n}', 'router.json:2:6', 'text is not closed'],
    ['single quotes', "{ 'a': 1 }", 'router.json:1:3', 'word'],
    ['more after the end', '{} {}', 'router.json:1:4', 'goes on'],
    ['a comment not closed', '{} /* ', 'router.json:1:4', 'comment'],
  ])('%s', (_, text, path, problem) => {
    const [fault] = refused(parse(text));
    expect(fault?.path).toBe(path);
    expect(fault?.problem).toContain(problem);
    const [, line, column] = path.split(':');
    expect(fault?.problem).toContain(`line ${line}, column ${column}`);
  });

  test.each([
    ['empty text', '', 'router.json'],
    ['nothing but a comment', '// later', 'router.json'],
  ])('%s is a fault', (_, text, path) => {
    expect(refused(parse(text)).map((fault) => fault.path)).toEqual([path]);
  });

  test('a name written twice in one object is a fault, and so is __proto__', () => {
    const faults = refused(parse('{ "endpoints": {}, "endpoints": {}, "pools": { "__proto__": {} } }'));
    expect(faults.map((fault) => fault.path)).toEqual(['endpoints', 'pools.__proto__']);
  });

  test('names that objects have by nature are names like any other', () => {
    const faults = refused(parse({ ...ONE, defaultPool: 'constructor', accounts: { a: { plan: 'toString' } } }));
    expect(faults.map((fault) => fault.path)).toEqual(['defaultPool', 'accounts.a.plan']);
  });
});

describe('secrets', () => {
  const odd = 'Zx9'.repeat(14);

  test.each([
    ['under apiKey, of the wrong kind', { endpoints: { A: { ...ONE.endpoints.A, apiKey: [odd] } } }],
    ['under a misspelled name', { endpoints: { A: { ...ONE.endpoints.A, apiKey: undefined, aipKey: odd } } }],
    ['as the name of a setting', { ...ONE, [odd]: true }],
    ['as the name of a pool', { ...ONE, pools: { [`${odd}/`]: {} } }],
    ['as a deployment', { ...ONE, defaultPool: odd, agents: { defaultHome: odd } }],
    ['in a list that should be an object', { endpoints: [{ apiKey: odd, url: odd }] }],
    ['in the address', { endpoints: { A: { ...ONE.endpoints.A, url: `https://u:${odd}@h/?key=${odd}#${odd}` } } }],
    ['as the address', { endpoints: { A: { ...ONE.endpoints.A, url: odd } } }],
    ['as the parent', { endpoints: { A: { ...ONE.endpoints.A, inherits: odd } } }],
    ['as the API', { endpoints: { A: { ...ONE.endpoints.A, api: odd } } }],
    ['within text', { endpoints: { A: { ...ONE.endpoints.A, apiKey: `${odd}\${X}` } } }],
    ['under api_key', { endpoint: 'https://one', deployment_name: 'x', api_key: { value: odd } }],
    ['beside a second form', { ...ONE, api_key: odd, backups: [{ endpoint: 'x', api_key: odd }] }],
  ])('a key is not shown %s', (_, document) => {
    const faults = refused(parse(document));
    expect(formatFaults(faults)).not.toContain(odd.slice(0, 12));
  });

  test('a short key that stands elsewhere too is hidden there as well', () => {
    const key = 'hunter2-x';
    const faults = refused(
      parse({ endpoints: { A: { ...ONE.endpoints.A, apiKey: key, region: 5 } }, defaultPool: key }),
    );
    expect(JSON.stringify(faults)).not.toContain(key);
  });

  test('broken text is not quoted', () => {
    expect(JSON.stringify(refused(parse(`{ "apiKey": ${KEY} }`)))).not.toContain(KEY.slice(0, 8));
  });
});

describe('how faults are told', () => {
  const faults = refused(parse({ ...ONE, pools: { p: { strategy: 'roundrobin', members: [member] } }, retries: 1 }));

  test('to people', () => {
    expect(formatFaults([faultAt(faults, 'pools.p.strategy')])).toBe(
      [
        'The configuration has one fault.',
        '',
        'pools.p.strategy: This is not one of the values that may stand here.',
        '  found:        "roundrobin"',
        '  allowed:      "priority", "roundRobin", "weighted", "spread", "leastLatency", "mostHeadroom"',
        '  did you mean: roundRobin',
      ].join('\n'),
    );
    expect(formatFaults(faults)).toContain('2 faults');
  });

  test('to machines', () => {
    expect(JSON.parse(formatFaultsAsJson(faults))).toEqual({ faults });
  });
});
