/** An endpoint goes away and comes back, as somebody sees it who looks at the page while agents are at work. */
import { expect, test } from 'vitest';
import { type StepName, tellStory } from '../../scripts/story.ts';
import { expectClean, inBrowser, type Watched } from './browser.ts';

/** Of the outage the page is to tell within 2 s; the rest is what a poll may come late by on a busy machine. */
const TOLD_WITHIN_MS = 4_000;
const PATIENCE_MS: Readonly<Record<StepName, number>> = {
  well: 15_000,
  down: TOLD_WITHIN_MS,
  timeline: 5_000,
  back: 20_000,
  home: 40_000,
};

inBrowser('while an endpoint is away', ({ visit }) => {
  test('the page tells of it at once and of its return, and no caller notices', { timeout: 120_000 }, async () => {
    const seen: StepName[] = [];
    const calls: number[] = [];
    let watched: Watched | undefined;
    const statuses = await tellStory(
      async (url) => {
        watched = await visit(url);
        return watched.page;
      },
      async ({ name, missing, since, statuses: soFar }) => {
        await expect.poll(missing, { timeout: PATIENCE_MS[name], interval: 25 }).toEqual([]);
        const tookMs = performance.now() - since;
        if (name === 'down') {
          console.log(`The page told of the outage and of the agents that moved after ${Math.round(tookMs)} ms.`);
          expect(tookMs).toBeLessThan(TOLD_WITHIN_MS);
        }
        expect(soFar.filter((status) => status !== 200)).toEqual([]);
        seen.push(name);
        calls.push(soFar.length);
      },
    );
    expect(seen).toEqual(['well', 'down', 'timeline', 'back', 'home']);
    // Calls went on in the outage: at least those whose failures opened the breaker.
    expect((calls[1] ?? 0) - (calls[0] ?? 0)).toBeGreaterThanOrEqual(12);
    expect(statuses.length).toBeGreaterThan(100);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    if (watched !== undefined) {
      // The router is gone by now, of which the browser may complain.
      const others = watched.offences.splice(0).filter((one) => !one.includes('Failed to load resource'));
      watched.offences.push(...others);
      await expectClean(watched);
    }
  });
});
