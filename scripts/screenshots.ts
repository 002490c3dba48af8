/**
 * `npm run screenshots`: pictures of the dashboard for the documents. A real router before a simulated fleet with traffic, faults and
 * failovers; only the hour before it is made up, as nobody wants to wait that long. `node scripts/screenshots.ts story` takes those of
 * the story alone, in which nothing is made up; a folder may follow.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, Page, Route } from 'playwright-core';
import type { Activity, ActivityMinute, ActivityShare, Overview } from '../src/domain/overview.ts';
import { findChromium, launchChromium } from './chromium.ts';
import { withPalette } from './palette.ts';
import { type Scene, startScene } from './scene.ts';
import { type Step, type StepName, tellStory } from './story.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const WORDS = process.argv.slice(2);
const IS_STORY_ALONE = WORDS[0] === 'story';
const FOLDER = WORDS[IS_STORY_ALONE ? 1 : 0] ?? join(ROOT, 'docs/images');

interface Shot {
  readonly name: string;
  readonly scheme: 'light' | 'dark';
  readonly width: number;
  readonly height: number;
  readonly wholePage: boolean;
}

const CALM: readonly Shot[] = [{ name: 'dashboard-light', scheme: 'light', width: 1440, height: 900, wholePage: true }];
const TROUBLE: readonly Shot[] = [
  { name: 'dashboard-trouble', scheme: 'light', width: 1440, height: 900, wholePage: false },
  { name: 'dashboard-dark', scheme: 'dark', width: 1440, height: 900, wholePage: true },
  { name: 'dashboard-phone', scheme: 'dark', width: 390, height: 1500, wholePage: false },
];

async function main(): Promise<void> {
  const executable = findChromium();
  if (executable === null) throw new Error('No Chromium was found: set CHROMIUM_PATH.');
  await mkdir(FOLDER, { recursive: true });
  const browser = await launchChromium(executable);
  try {
    if (!IS_STORY_ALONE) await takeScene(browser);
    await takeStory(browser);
  } finally {
    await browser.close();
  }
}

async function takeScene(browser: Browser): Promise<void> {
  await using scene = await startScene();
  await scene.traffic(30);
  for (const shot of CALM) await take(browser, scene, { ...shot, isTroubled: false });
  await scene.trouble();
  for (const shot of TROUBLE) await take(browser, scene, { ...shot, isTroubled: true });
}

const STORY: Readonly<Record<StepName, string>> = {
  well: 'story-1-well',
  down: 'story-2-down',
  timeline: 'story-3-timeline',
  back: 'story-4-back',
  home: 'story-5-home',
};
const STORY_VIEW = { width: 1440, height: 900 };
const STORY_PATIENCE_MS = 60_000;

async function takeStory(browser: Browser): Promise<void> {
  const context = await browser.newContext({ viewport: STORY_VIEW, timezoneId: 'UTC', reducedMotion: 'reduce' });
  // The colours are found once the story is over: it does not wait for them.
  const taken: { name: string; png: Buffer }[] = [];
  await tellStory(
    async (url) => {
      const page = await context.newPage();
      await page.goto(url);
      return page;
    },
    async (step) => {
      await untilShown(step);
      const { name, page } = step;
      const png = await (name === 'timeline' ? timeline(page) : page.screenshot());
      taken.push({ name: STORY[name], png });
    },
  );
  await context.close();
  for (const { name, png } of taken) await keep(name, png);
}

/** All that has happened at once, where on the page one would scroll. By script, as the page's policy takes no styles of others. */
async function timeline(page: Page): Promise<Buffer> {
  await page.setViewportSize({ ...STORY_VIEW, height: 2 * STORY_VIEW.height });
  await page.evaluate(`{
    const [panel, list] = [document.getElementById('events'), document.querySelector('.events')];
    panel.style.height = list.offsetTop + list.scrollHeight + 'px';
    list.style.maskImage = 'none';
  }`);
  const png = await page.locator('#events').screenshot();
  await page.evaluate(
    "for (const one of [document.getElementById('events'), document.querySelector('.events')]) one.removeAttribute('style')",
  );
  await page.setViewportSize(STORY_VIEW);
  await page.evaluate('window.scrollTo(0, 0)');
  return png;
}

async function untilShown({ name, missing }: Step): Promise<void> {
  const latest = performance.now() + STORY_PATIENCE_MS;
  for (let lacking = await missing(); lacking.length > 0; lacking = await missing()) {
    if (performance.now() > latest) throw new Error(`${name}: the page does not show ${lacking.join(', ')}`);
    await sleep(25);
  }
}

async function take(browser: Browser, { url }: Scene, shot: Shot & { isTroubled: boolean }): Promise<void> {
  const { isTroubled, name, scheme, width, height, wholePage } = shot;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  await page.route('**/router/overview', withAnHour);
  await page.goto(url);
  await page.locator('.plot canvas').first().waitFor();
  if (isTroubled) await page.locator('.events li').nth(4).waitFor();
  if (wholePage) await tryIt(page);
  const png = await page.screenshot({ fullPage: wholePage });
  await context.close();
  await keep(name, png);
}

async function keep(name: string, png: Buffer): Promise<void> {
  const path = join(FOLDER, `${name}.png`);
  const picture = withPalette(png);
  await writeFile(path, picture);
  console.log(`${path}  ${Math.round(picture.length / 1024)} KB`);
}

async function tryIt(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.locator('.explanation').waitFor();
  await page.evaluate('window.scrollTo(0, 0); document.activeElement.blur()');
}

/** The minutes that this router has not seen, as a working morning would have them. */
async function withAnHour(route: Route): Promise<void> {
  const response = await route.fetch();
  if (response.status() !== 200) return route.fulfill({ response });
  const overview = (await response.json()) as Overview;
  const { minutes, by } = overview.activity;
  const filled = minutes.map((minute, at) => (minute.requests > 0 ? minute : madeUp(minute, at)));
  const activity = { ...overview.activity, minutes: filled, by: asMuch(by, ratio(filled, minutes)) };
  await route.fulfill({ response, json: { ...overview, activity } });
}

function ratio(filled: readonly ActivityMinute[], seen: readonly ActivityMinute[]): number {
  const requests = (minutes: readonly ActivityMinute[]) => minutes.reduce((sum, minute) => sum + minute.requests, 0);
  return requests(filled) / Math.max(1, requests(seen));
}

/** The shares of those who were seen, as if they had been at it all the time. */
function asMuch(by: Activity['by'], times: number): Activity['by'] {
  const grown = (shares: readonly ActivityShare[]) =>
    shares.map((share) => ({
      ...share,
      requests: Math.round(share.requests * times),
      tokens: Math.round(share.tokens * times),
      cachedTokens: Math.round(share.tokens * times * 0.29),
      costUsd: share.costUsd * times,
    }));
  const { creator, model, operation, agent, account } = by;
  return {
    creator: grown(creator),
    model: grown(model),
    operation: grown(operation),
    agent: grown(agent),
    account: grown(account),
  };
}

function madeUp({ at }: ActivityMinute, index: number): ActivityMinute {
  const wave = 46 + 18 * Math.sin(index / 7) + 9 * Math.sin(index * 1.9);
  const requests = Math.round(wave);
  const isBusy = index > 38 && index < 44;
  const promptTokens = requests * (210 + (index % 7) * 11);
  return {
    at,
    requests,
    failed: index === 41 ? 2 : 0,
    throttled: isBusy ? 6 + (index % 4) * 2 : 0,
    failovers: isBusy ? 5 : 0,
    promptTokens,
    cachedTokens: Math.round(promptTokens * 0.42),
    completionTokens: requests * (64 + (index % 5) * 6),
    costUsd: requests * 0.00082,
  };
}

await main();
