import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { CLOSED, expectClean, inBrowser, type Stage, shows, startStage } from './browser.ts';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What a screen reader, a keyboard or weak eyes could not use; axe runs beside the page's own policy, not under it. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(`${AXE}; undefined`);
  return page.evaluate<
    string[]
  >(`axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    .then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ' ' + target + ' ' + failureSummary)))`);
}

async function everything(stage: Stage): Promise<void> {
  await stage.send(3, { 'x-agent-name': 'cpt_agent', 'x-creator': 'ana' });
  stage.simulator.faults.add({ fault: '429;retry-after=60', endpoint: 'A' });
  await stage.send(4);
  stage.simulator.faults.add({ fault: '401', endpoint: 'B' });
  await stage.send(1);
  await stage.operator.makeKey({ account: 'clinic-7', pools: ['main'] });
}

const LOOKS = (['light', 'dark'] as const).flatMap((scheme) => [
  { scheme, width: 1440 },
  { scheme, width: 1000 },
  { scheme, width: 360 },
]);
const QUOTAS = { plans: { pro: { quota: { tokensPerDay: 1_000_000 } } }, accounts: { 'clinic-7': { plan: 'pro' } } };

inBrowser('everybody can use', ({ visit }) => {
  test.each(LOOKS)('the page in trouble, $scheme, $width wide', async (look) => {
    await using stage = await startStage(QUOTAS);
    await everything(stage);
    const watched = await visit(stage.url, look);
    const { page } = watched;
    await shows(page, '.headline', /resting|misconfigured/);
    await shows(page, '#events', /Rested/);
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.locator('.explanation').waitFor();
    await page.getByText('The same as a table').click();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Move cpt_agent' }).click();
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(look.width);
    watched.offences.splice(0, watched.offences.filter((one) => one.includes('Failed to load')).length);
    await expectClean(watched);
  });

  test.each(LOOKS)('the page that asks for a key, $scheme, $width wide', async (look) => {
    await using stage = await startStage({}, CLOSED);
    const watched = await visit(stage.url, look);
    await watched.page.getByLabel('Admin key').waitFor();
    expect(await violations(watched.page)).toEqual([]);
    expect(await watched.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(look.width);
    await watched.context.close();
  });

  test('the healthy and empty page, by the keyboard alone', async () => {
    await using stage = await startStage();
    const watched = await visit(stage.url);
    const { page } = watched;
    await shows(page, '.headline', 'All 2');
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the deployments');
    await page.keyboard.press('Enter');
    const reached = new Set<string>();
    for (let press = 0; press < 30; press++) {
      await page.keyboard.press('Tab');
      reached.add(
        await page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"),
      );
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).not.toBe('none');
      if (reached.has('Send')) break;
    }
    for (const name of ['Drain A/gpt-4.1', 'Probe B/gpt-4.1', 'Move cpt_agent', 'Make a key…', 'Explain'])
      expect(reached).toContain(name);
    await expectClean(watched);
  });

  test('states without their colours: each has its own word and shape', async () => {
    await using stage = await startStage();
    stage.simulator.faults.add({ fault: '401', endpoint: 'A' });
    await stage.send(1);
    const watched = await visit(stage.url);
    await shows(watched.page, '.badge', 'Misconfigured');
    const shapes = await watched.page.evaluate<string[]>(
      "[...document.querySelectorAll('.deployment .badge path')].map((one) => one.getAttribute('d'))",
    );
    expect(new Set(shapes).size).toBe(2);
    await expectClean(watched);
  });
});
