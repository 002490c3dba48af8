import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { startFlakyTables } from '../harness/flakyTables.ts';
import { expectClean, inBrowser, shows, startStage, type Watched } from './browser.ts';

/** While the router is made unreachable the browser complains, and rightly. */
function forgetComplaints({ offences }: Watched): void {
  const others = offences.splice(0).filter((one) => !one.includes('Failed to load resource'));
  offences.push(...others);
}

const pulse = (page: Page) => page.locator('#pulse-text').textContent();

async function asksWithin(page: Page, lengthMs: number): Promise<number[]> {
  const statuses: number[] = [];
  const listen = (response: { url(): string; status(): number }): void => {
    if (response.url().endsWith('/router/overview')) statuses.push(response.status());
  };
  page.on('response', listen);
  await page.waitForTimeout(lengthMs);
  page.off('response', listen);
  return statuses;
}

inBrowser('the page', ({ visit }) => {
  test('redraws nothing while nothing changes, but the time', async () => {
    await using stage = await startStage();
    const watched = await visit(stage.url);
    const { page } = watched;
    await shows(page, '.headline', 'All 2');
    await page.waitForTimeout(1_500);
    await page.evaluate(
      `window.changes = 0; new MutationObserver((all) => { window.changes += all.length; }).observe(document.getElementById('shown'), { subtree: true, childList: true, characterData: true, attributes: true });`,
    );
    const statuses = await asksWithin(page, 3_200);
    // A minute that begins meanwhile is news.
    if (statuses.every((status) => status === 304)) expect(await page.evaluate('window.changes')).toBe(0);
    expect(statuses.filter((status) => status === 304).length).toBeGreaterThanOrEqual(2);
    await expectClean(watched);
  });

  test('keeps focus, selection and scroll while it changes', async () => {
    await using stage = await startStage();
    const watched = await visit(stage.url, { width: 390, height: 700 });
    const { page } = watched;
    await shows(page, '.headline', 'All 2');
    await page.getByRole('button', { name: 'Move cpt_agent' }).focus();
    await page.evaluate("getSelection().selectAllChildren(document.querySelector('#agents .name'))");
    const before = await page.evaluate('scrollY');
    expect(before).toBeGreaterThan(0);
    await stage.operator.control({ method: 'POST', path: '/router/deployments/A%2Fgpt-4.1/drain' });
    await stage.send(1);
    await shows(page, '.headline', 'A/gpt-4.1 is drained.');
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe('Move cpt_agent');
    expect(await page.evaluate('getSelection().toString()')).toBe('cpt_agent');
    expect(
      Math.abs(Number(await page.evaluate('document.activeElement.getBoundingClientRect().top')) - 350),
    ).toBeLessThan(400);
    await expectClean(watched);
  });

  test('says when the router does not answer, keeps what it knew, and recovers by itself', async () => {
    await using stage = await startStage();
    const watched = await visit(stage.url);
    const { page } = watched;
    await shows(page, '.headline', 'All 2');
    expect(await pulse(page)).toBe('Live');
    await page.route('**/router/overview', (route) => route.abort());
    await shows(page, '#away', /The router cannot be reached\. What is shown is from before \d\d:\d\d:\d\d/);
    await shows(page, '#away', /Next try (in \d+ s|any moment)/);
    expect(await pulse(page)).toBe('No answer');
    expect(await page.locator('#shown').isVisible()).toBe(true);
    await page.unroute('**/router/overview');
    await page.locator('#away').waitFor({ state: 'hidden', timeout: 10_000 });
    expect(await pulse(page)).toBe('Live');
    forgetComplaints(watched);
    await expectClean(watched);
  });

  test('tries again at once for those who will not wait', async () => {
    await using stage = await startStage();
    const watched = await visit(stage.url);
    const { page } = watched;
    await shows(page, '.headline', 'All 2');
    await page.route('**/router/overview', (route) => route.abort());
    await shows(page, '#away-next', /in [4-8] s/);
    await page.unroute('**/router/overview');
    await page.getByRole('button', { name: 'Try now' }).click();
    await page.locator('#away').waitFor({ state: 'hidden', timeout: 1_500 });
    forgetComplaints(watched);
    await expectClean(watched);
  });

  test('rests while its tab is hidden', async () => {
    await using stage = await startStage();
    const watched = await visit(stage.url);
    const { page } = watched;
    await shows(page, '.headline', 'All 2');
    const become = (state: string) =>
      page.evaluate(
        `Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true }); document.dispatchEvent(new Event('visibilitychange'));`,
      );
    await become('hidden');
    await page.waitForTimeout(300);
    expect(await asksWithin(page, 2_500)).toEqual([]);
    await become('visible');
    expect((await asksWithin(page, 1_800)).length).toBeGreaterThanOrEqual(1);
    await expectClean(watched);
  });

  test('says that the store is away, and when it is back', async () => {
    await using tables = await startFlakyTables();
    const storage = { kind: 'connectionString', text: tables.connectionString } as const;
    await using stage = await startStage({}, { storage });
    const watched = await visit(stage.url);
    const { page } = watched;
    await shows(page, '.facts', 'Store in tables');
    await tables.become('refuse');
    await shows(
      page,
      '.further',
      /The store has not answered since .*; routing goes on from what this instance knows\./,
    );
    await shows(page, '.fact[data-tone=bad]', 'away');
    expect(await page.locator('#verdict').getAttribute('data-tone')).toBe('wait');
    await tables.become('well');
    await page.locator('.fact[data-tone=bad]').waitFor({ state: 'detached', timeout: 20_000 });
    forgetComplaints(watched);
    await expectClean(watched);
  });
});
