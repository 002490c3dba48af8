import { expect, test } from 'vitest';
import type { Stage } from './browser.ts';
import { expectClean, inBrowser, shows, startStage } from './browser.ts';

const A = 'tr.deployment >> nth=0';

/** What is done to a router whose page is open, and what the page shows of it without being loaded again. */
const TROUBLE: readonly {
  readonly what: string;
  readonly cause: (stage: Stage) => Promise<void>;
  readonly headline: RegExp;
  readonly row: RegExp;
  readonly tone: string;
}[] = [
  {
    what: 'throttled',
    cause: async ({ simulator, send }) => {
      simulator.faults.add({ fault: '429;retry-after=60', endpoint: 'A' });
      await send(3);
    },
    headline: /A\/gpt-4\.1 is resting until \d\d:\d\d:\d\d \(429.*\)\./,
    row: /Resting until \d\d:\d\d:\d\d.*in (1 min|\d+ s)/s,
    tone: 'wait',
  },
  {
    what: 'open',
    cause: async ({ simulator, send }) => {
      simulator.faults.add({ fault: '500', endpoint: 'A' });
      await send(4);
    },
    headline: /A\/gpt-4\.1 is open until \d\d:\d\d:\d\d \(500.*\)\./,
    row: /Open until/,
    tone: 'bad',
  },
  {
    what: 'misconfigured',
    cause: async ({ simulator, send }) => {
      simulator.faults.add({ fault: '401', endpoint: 'A' });
      await send(1);
    },
    headline: /A\/gpt-4\.1 is misconfigured .*\(401\)\./,
    row: /Misconfigured/,
    tone: 'bad',
  },
  {
    what: 'drained',
    cause: async ({ operator }) =>
      void (await operator.control({ method: 'POST', path: '/router/deployments/A%2Fgpt-4.1/drain' })),
    headline: /A\/gpt-4\.1 is drained\./,
    row: /Drained/,
    tone: 'off',
  },
];

inBrowser('the page shows', ({ visit }) => {
  test('a healthy fleet, and what it did', async () => {
    await using stage = await startStage();
    await stage.send(3, { 'x-agent-name': 'cpt_agent', 'x-creator': 'ana' });
    const watched = await visit(stage.url);
    const { page } = watched;
    await shows(page, '.headline', 'All 2 deployments serve.');
    expect(await page.locator('#verdict').getAttribute('data-tone')).toBe('good');
    expect(await page.title()).toBe('Azure OpenAI router');
    await shows(page, A, /A\/gpt-4\.1.*Serving/s);
    await shows(page, '#tiles', /Requests3/);
    await shows(page, '#agents', /cpt_agent.*A\/gpt-4\.1.*at its home/s);
    await shows(page, '#pools', /main.*A\/gpt-4\.1.*2 of 2 can serve/s);
    await shows(page, '#shares', /ana.*100%/s);
    await page.locator('.plot canvas').nth(2).waitFor();
    expect(await page.locator('.plot').first().getAttribute('aria-label')).toContain('served 3');
    await expectClean(watched);
  });

  test('that there is nothing to show', async () => {
    await using stage = await startStage({ agents: {} });
    const watched = await visit(stage.url);
    for (const text of [
      'No agent has a home',
      'Nothing has happened yet',
      'No requests in the last hour',
      'No account has a quota',
      'No key has been made',
    ])
      await shows(watched.page, '.empty', text);
    await expectClean(watched);
  });

  test.each(TROUBLE)('a deployment that is $what, as soon as it is', async ({ cause, headline, row, tone }) => {
    await using stage = await startStage();
    const watched = await visit(stage.url);
    const { page } = watched;
    await shows(page, '.headline', 'All 2 deployments serve.');
    await cause(stage);
    await shows(page, '.headline', headline);
    await shows(page, A, row);
    expect(await page.locator('#verdict').getAttribute('data-tone')).toBe(tone);
    expect(await page.title()).toMatch(headline);
    await shows(page, '#pools', /1 of 2 can serve/);
    await expectClean(watched);
  });

  test('failovers, and agents that move', async () => {
    await using stage = await startStage();
    const watched = await visit(stage.url);
    stage.simulator.faults.add({ fault: '500', endpoint: 'A' });
    await stage.send(2);
    await shows(watched.page, '.further', /requests? went to B\/gpt-4\.1\./);
    await shows(watched.page, '.further', '1 agent moved.');
    await shows(watched.page, '#events', /cpt_agent moved from A\/gpt-4\.1 to B\/gpt-4\.1/);
    await shows(watched.page, '#agents', /cpt_agent.*B\/gpt-4\.1 moved.*moved by failures/s);
    const times = await watched.page.evaluate<string[]>(
      "[...document.querySelectorAll('#events time')].map((one) => one.dateTime)",
    );
    expect(times.length).toBeGreaterThan(2);
    expect(times).toEqual([...times].sort().reverse());
    await expectClean(watched);
  });

  test('a pool that nobody serves', async () => {
    await using stage = await startStage();
    stage.simulator.faults.add({ fault: '500' });
    await stage.send(4);
    const watched = await visit(stage.url);
    await shows(watched.page, '.further', 'Nothing serves main.');
    await shows(watched.page, '#pools', 'nobody');
    await expectClean(watched);
  });

  test('how much of a quota is used', async () => {
    await using stage = await startStage({
      plans: { pro: { quota: { requestsPerMinute: 1_000 } } },
      accounts: { default: { plan: 'pro' } },
    });
    await stage.send(2);
    const watched = await visit(stage.url);
    await shows(watched.page, '#quotas', /default Requests a minute.*of 1,000.*Begins anew at/s);
    await expectClean(watched);
  });
});
