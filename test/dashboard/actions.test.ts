import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { Overview } from '../../src/domain/overview.ts';
import { expectClean, inBrowser, type Stage, shows, startStage, type Watched } from './browser.ts';

type Named = { readonly [field: string]: unknown };

const overviewOf = ({ operator }: Stage) => operator.control<Overview>({ path: '/router/overview' });
const stateOf = async ({ operator }: Stage, id: string) =>
  (await operator.control<Named>({ path: `/router/deployments/${encodeURIComponent(id)}` }))['state'];
const agentOf = ({ operator }: Stage) => operator.control<Named>({ path: '/router/agents/cpt_agent' });

/** Presses the button, reads what is asked, and says yes. */
async function confirm(page: Page, button: string, does: string, says: RegExp): Promise<void> {
  await page.getByRole('button', { name: button, exact: true }).click();
  const dialog = page.getByRole('dialog');
  expect(await dialog.textContent()).toMatch(says);
  await dialog.getByRole('button', { name: does, exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}

/** Told to the eye, and to a screen reader. */
async function announced({ page }: Watched, text: string | RegExp): Promise<void> {
  await shows(page, '#said[role=status]', text);
  await shows(page, '.note', text);
}

inBrowser('an operator', ({ visit }) => {
  test('drains a deployment and restores it', async () => {
    await using stage = await startStage();
    const watched = await visit(stage.url);
    const { page } = watched;
    await confirm(
      page,
      'Drain A/gpt-4.1',
      'Drain',
      /Drain A\/gpt-4\.1\?No new requests go to A\/gpt-4\.1.*until it is restored/,
    );
    await announced(watched, 'A/gpt-4.1 is drained.');
    expect(await stateOf(stage, 'A/gpt-4.1')).toBe('drained');
    await shows(page, '.headline', 'A/gpt-4.1 is drained.');
    await confirm(page, 'Restore A/gpt-4.1', 'Restore', /takes requests again.*Now A\/gpt-4\.1 is drained\./);
    expect(await stateOf(stage, 'A/gpt-4.1')).toBe('closed');
    await shows(page, '.headline', 'All 2 deployments serve.');
    await expectClean(watched);
  });

  test('changes nothing by thinking better of it', async () => {
    await using stage = await startStage();
    const watched = await visit(stage.url);
    const { page } = watched;
    const button = page.getByRole('button', { name: 'Drain A/gpt-4.1' });
    for (const leave of [
      () => page.keyboard.press('Escape'),
      () => page.getByRole('button', { name: 'Cancel' }).click(),
    ]) {
      await button.click();
      await leave();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe('Drain A/gpt-4.1');
    }
    expect(await stateOf(stage, 'A/gpt-4.1')).toBe('closed');
    await expectClean(watched);
  });

  test('is warned before the last one goes', async () => {
    await using stage = await startStage();
    await stage.operator.control({ method: 'POST', path: '/router/deployments/B%2Fgpt-4.1/drain' });
    const watched = await visit(stage.url);
    await shows(watched.page, '.headline', 'B/gpt-4.1 is drained.');
    await confirm(watched.page, 'Drain A/gpt-4.1', 'Drain', /Nothing else serves main/);
    await expectClean(watched);
  });

  test('probes a deployment', async () => {
    await using stage = await startStage();
    const watched = await visit(stage.url);
    await confirm(watched.page, 'Probe B/gpt-4.1', 'Probe', /One call goes to B\/gpt-4\.1/);
    await announced(watched, /B\/gpt-4\.1 answered after/);
    stage.simulator.faults.add({ fault: '401', endpoint: 'B' });
    await confirm(watched.page, 'Probe B/gpt-4.1', 'Probe', /bills nothing/);
    await announced(watched, /B\/gpt-4\.1 did not pass after .*401/);
    await expectClean(watched);
  });

  test('moves an agent, pins it, and sends it home', async () => {
    await using stage = await startStage();
    const watched = await visit(stage.url);
    const { page } = watched;
    await page.getByRole('button', { name: 'Move cpt_agent' }).click();
    await page.getByLabel('Deployment', { exact: true }).selectOption('B/gpt-4.1');
    await page.getByLabel('Pin it there').check();
    await page.getByRole('dialog').getByRole('button', { name: 'Move' }).click();
    await announced(watched, 'cpt_agent is pinned to B/gpt-4.1.');
    expect(await agentOf(stage)).toMatchObject({ assignment: 'B/gpt-4.1', pinned: true });
    await shows(page, '#agents', /B\/gpt-4\.1 pinned/);
    await confirm(page, 'Send cpt_agent home', 'Send home', /go to its home again/);
    expect(await agentOf(stage)).toMatchObject({ assignment: 'A/gpt-4.1', pinned: false });
    await shows(page, '#agents', /at its home/);
    await expectClean(watched);
  });

  test('makes a key that is shown once, copies it, and revokes it', async () => {
    await using stage = await startStage({}, { adminKey: 'admin-key-of-the-page', loopbackOnly: false });
    const watched = await visit(stage.url);
    const { page } = watched;
    await page.getByLabel('Admin key').fill('admin-key-of-the-page');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Make a key…' }).click();
    await page.getByRole('textbox', { name: 'Account' }).fill('clinic-7');
    await page.getByRole('textbox', { name: 'Pools' }).fill('main');
    await page.getByRole('button', { name: 'Make it' }).click();
    const secret = await page.getByRole('textbox', { name: 'The key' }).inputValue();
    await page.getByRole('button', { name: 'Copy' }).click();
    await shows(page, 'dialog', 'Copied.');
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(secret);
    await page.getByRole('button', { name: 'I have it' }).click();
    expect(await page.content()).not.toContain(secret);
    await shows(page, '#keys', /clinic-7.*pools main.*never/s);
    const { items } = await stage.operator.control<{ items: Named[] }>({ path: '/router/keys' });
    expect(items).toMatchObject([{ account: 'clinic-7', pools: ['main'] }]);
    await confirm(page, `Revoke key ${String(items[0]?.['id'])} of clinic-7`, 'Revoke', /cannot be taken back/);
    expect(await stage.operator.control({ path: '/router/keys' })).toEqual({ items: [] });
    watched.offences.splice(0, watched.offences.filter((one) => one.includes('401')).length);
    await expectClean(watched);
  });

  test('reads in the dialog why something was refused', async () => {
    await using stage = await startStage();
    const watched = await visit(stage.url);
    const { page } = watched;
    await page.getByRole('button', { name: 'Make a key…' }).click();
    await page.getByRole('textbox', { name: 'Account' }).fill('x');
    await page.getByRole('textbox', { name: 'Plan' }).fill('golden');
    await page.getByRole('button', { name: 'Make it' }).click();
    await shows(page, 'dialog [role=alert]', 'There is no plan named "golden".');
    expect((await overviewOf(stage)).deployments).toHaveLength(2);
    expect(watched.offences.splice(0)).toEqual([expect.stringContaining('400')]);
    await expectClean(watched);
  });

  test.each([{ streamed: true }, { streamed: false }])(
    'tries a completion, streamed: $streamed',
    async ({ streamed }) => {
      await using stage = await startStage();
      const watched = await visit(stage.url);
      const { page } = watched;
      await page.getByRole('combobox', { name: 'Agent' }).fill('cpt_agent');
      await page.getByLabel('Stream the answer').setChecked(streamed);
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      await shows(page, '.answer-head', 'Answered by A/gpt-4.1');
      await shows(page, '.answer', /\w+ \w+/);
      await shows(page, '.route', /RouteA\/gpt-4\.1:ok.*Attempts1.*router;dur=/s);
      const [call] = stage.simulator.calls();
      expect(call?.endpoint).toBe('A');
      await shows(page, '#tiles', /Requests1/);
      await expectClean(watched);
    },
  );

  test('sees the way a request would take, without sending it', async () => {
    await using stage = await startStage();
    await stage.operator.control({ method: 'POST', path: '/router/deployments/A%2Fgpt-4.1/drain' });
    const watched = await visit(stage.url);
    await watched.page.getByRole('button', { name: 'Explain' }).click();
    await shows(watched.page, '.answer-head', 'It would go to B/gpt-4.1. Nothing was sent.');
    await shows(
      watched.page,
      '.explanation',
      /1 candidateB\/gpt-4\.1.*the pool’s order1 skippedA\/gpt-4\.1 Drained drained/,
    );
    expect(stage.simulator.calls()).toEqual([]);
    await expectClean(watched);
  });

  test('is told what is wrong with a question', async () => {
    await using stage = await startStage();
    const watched = await visit(stage.url);
    await watched.page.getByLabel('Model, pool').fill('mian');
    await watched.page.getByRole('button', { name: 'Send', exact: true }).click();
    await shows(watched.page, '.answer-head', /404: There is no model.*main/);
    expect(watched.offences.splice(0)).toEqual([expect.stringContaining('404')]);
    await expectClean(watched);
  });
});
