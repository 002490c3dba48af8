/**
 * `npm run screenshots`: pictures of the dashboard for the documents. A real router before a simulated fleet with traffic, faults and
 * failovers; only the hour before it is made up, as nobody wants to wait that long.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page, Route } from 'playwright-core';
import type { Activity, ActivityMinute, ActivityShare, Overview } from '../src/domain/overview.ts';
import { findChromium, launchChromium } from './chromium.ts';
import { withPalette } from './palette.ts';
import { type Scene, startScene } from './scene.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = process.argv[2] ?? join(ROOT, 'docs/images');

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
  await using scene = await startScene();
  const browser = await launchChromium(executable);
  try {
    await scene.traffic(30);
    for (const shot of CALM) await take(browser, scene, { ...shot, isTroubled: false });
    await scene.trouble();
    for (const shot of TROUBLE) await take(browser, scene, { ...shot, isTroubled: true });
  } finally {
    await browser.close();
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
  const path = join(FOLDER, `${name}.png`);
  const picture = withPalette(await page.screenshot({ fullPage: wholePage }));
  await context.close();
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
