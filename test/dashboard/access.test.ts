import { expect, test } from 'vitest';
import type { Overview } from '../../src/domain/overview.ts';
import { ADMIN_KEY } from '../harness/operator.ts';
import { CLOSED, expectClean, inBrowser, shows, startStage, type Watched } from './browser.ts';
import { agent, at, deployment, event, overview, pool } from './overviews.ts';

/** What the browser itself says of an answer that refuses; nothing else may be there. */
function forgetRefusals({ offences }: Watched): void {
  const others = offences.splice(0).filter((one) => !/Failed to load resource.*40[13]/.test(one));
  offences.push(...others);
}

inBrowser('where a key is needed', ({ visit }) => {
  test('the page shows nothing until it is given, says what is wrong with others, and keeps it nowhere', async () => {
    await using stage = await startStage({}, CLOSED);
    const watched = await visit(stage.url);
    const { page } = watched;
    const field = page.getByLabel('Admin key');
    await field.waitFor();
    expect(await field.getAttribute('type')).toBe('password');
    expect(await page.locator('#shown').isHidden()).toBe(true);
    expect(await page.textContent('body')).not.toContain('gpt-4.1');
    for (const { key, told } of [
      { key: 'wrong', told: 'The key is not known here.' },
      { key: 'a-callers-key', told: 'This needs the admin key.' },
    ]) {
      await field.fill(key);
      await page.getByRole('button', { name: 'Open' }).click();
      await shows(page, '#gate-fault', told);
      expect(await page.locator('#shown').isHidden()).toBe(true);
    }
    await field.fill(ADMIN_KEY);
    await page.getByRole('button', { name: 'Open' }).click();
    await shows(page, '.headline', 'All 2 deployments serve.');
    expect(await page.locator('#gate').isHidden()).toBe(true);
    expect(await field.inputValue()).toBe('');
    expect(await page.content()).not.toContain(ADMIN_KEY);
    expect(page.url()).toBe(`${stage.url}/`);
    forgetRefusals(watched);
    await page.reload();
    await field.waitFor();
    expect(await page.locator('#shown').isHidden()).toBe(true);
    forgetRefusals(watched);
    await expectClean(watched);
  });

  test('the key opens the control plane and the completions', async () => {
    await using stage = await startStage({}, CLOSED);
    const watched = await visit(stage.url);
    const { page } = watched;
    await page.getByLabel('Admin key').fill(ADMIN_KEY);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await shows(page, '.answer-head', 'Answered by A/gpt-4.1');
    forgetRefusals(watched);
    await expectClean(watched);
  });
});

const MARKUP = `<img src=x onerror="document.title='caught'"><script>document.title='caught'</script>"'&lt;`;

/** Every text that may be another's, as markup. */
const HOSTILE: Overview = overview({
  instance: MARKUP,
  store: { ...overview().store, healthy: false, problem: MARKUP },
  deployments: [
    deployment(`A/${MARKUP}`, {
      endpoint: MARKUP,
      region: MARKUP,
      model: MARKUP,
      state: 'open',
      cause: MARKUP,
      until: MARKUP,
    }),
    deployment('B/b'),
  ],
  pools: [pool(MARKUP, { current_endpoint: MARKUP, strategy: MARKUP })],
  agents: [agent(MARKUP, { assignment: MARKUP, home: 'B/b', why: 'moved', cause: MARKUP, since: at(0) })],
  events: [
    event('failover', { agent: MARKUP, from: MARKUP, to: MARKUP, cause: MARKUP }),
    event(MARKUP, { cause: MARKUP, deployment: MARKUP }),
  ],
  quotas: [{ account: MARKUP, quota: MARKUP, limit: 1, used: 1, reserved: 0, remaining: 0, resetsAt: MARKUP }],
  activity: {
    ...overview().activity,
    by: { ...overview().activity.by, creator: [{ name: MARKUP, requests: 1, tokens: 1, cachedTokens: 0, costUsd: 1 }] },
  },
});

inBrowser('names that are markup', ({ visit }) => {
  test('are shown as text, wherever they come from', async () => {
    await using stage = await startStage();
    const watched = await visit('about:blank');
    const { page } = watched;
    watched.offences.splice(0);
    await page.route('**/router/overview', (route) => route.fulfill({ json: HOSTILE }));
    await page.route('**/router/keys', (route) =>
      route.fulfill({
        json: {
          items: [
            {
              id: MARKUP,
              account: MARKUP,
              plan: MARKUP,
              agent: null,
              creator: null,
              operation: null,
              pools: [MARKUP],
              createdAt: at(0),
              expiresAt: null,
              expired: false,
            },
          ],
        },
      }),
    );
    await page.goto(stage.url);
    await shows(page, '#agents', MARKUP);
    for (const place of ['#verdict', '#deployments', '#events', '#pools', '#quotas', '#shares', '#keys'])
      await shows(page, place, MARKUP);
    await page.locator('.deployment').first().getByRole('button', { name: 'Drain' }).click();
    await shows(page, 'dialog', MARKUP);
    expect(await page.locator('img, #main script, dialog script').count()).toBe(0);
    expect(await page.title()).not.toBe('caught');
    expect(watched.offences.filter((one) => !one.startsWith('a request to http://127.0.0.1'))).toEqual([]);
    await watched.context.close();
  });

  test('are shown as text where a caller has made them up', async () => {
    await using stage = await startStage({ agents: { defaultHome: 'A/gpt-4.1', failureThreshold: 2 } });
    stage.simulator.faults.add({ fault: '500', endpoint: 'A' });
    await stage.send(2, { 'x-agent-name': '<b>agent</b>', 'x-creator': '<img src=x>' });
    const watched = await visit(stage.url);
    await shows(watched.page, '#agents', '<b>agent</b>');
    await shows(watched.page, '#shares', '<img src=x>');
    expect(await watched.page.locator('b, img').count()).toBe(0);
    await expectClean(watched);
  });
});
