/** A real browser before a real router: pages that notice whatever a page should not do. */
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { findChromium, launchChromium } from '../../scripts/chromium.ts';
import { sourceDashboard } from '../../src/dashboardBuild.ts';
import type { Overview } from '../../src/domain/overview.ts';
import { defaultFleet, type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { ADMIN_KEY, type Operator, operatorOf } from '../harness/operator.ts';
import { ask } from '../harness/raw.ts';
import { type RouterParts, startRouter } from '../harness/router.ts';
import { endpointsOf } from '../harness/simulated.ts';

const CHROMIUM = findChromium();
if (CHROMIUM === null)
  console.warn(
    'Tests of the dashboard in a browser are skipped: no chromium on the PATH, and CHROMIUM_PATH is not set.',
  );

/** Built once for all tests of a file. */
const DASHBOARD = sourceDashboard(fileURLToPath(new URL('../..', import.meta.url)));

export interface Stage extends AsyncDisposable {
  readonly url: string;
  readonly simulator: Simulator;
  readonly operator: Operator;
  /** So many requests, one after the other. */
  readonly send: (times: number, headers?: Readonly<Record<string, string>>) => Promise<void>;
}

const MODEL = { 'gpt-4.1': { model: 'gpt-4.1' } };
const SETTINGS = {
  pools: { main: { strategy: 'priority', members: ['A/gpt-4.1', 'B/gpt-4.1'] } },
  defaultPool: 'main',
  agents: { homes: { cpt_agent: 'A/gpt-4.1' }, failureThreshold: 2 },
  breaker: { failures: 2, openMs: 60_000 },
  retries: { sameDeployment: 0 },
};

export async function startStage(config: object = {}, parts: RouterParts = {}): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const endpoints = defaultFleet().map((endpoint) => ({ ...endpoint, deployments: MODEL }));
  const simulator = stack.use(await startSimulator({ endpoints }));
  const document = { endpoints: endpointsOf(simulator, 'v1'), ...SETTINGS, ...config };
  const router = stack.use(await startRouter(document, { dashboard: DASHBOARD, ...parts }));
  const kept = stack.move();
  const operator = operatorOf(router.url, parts.adminKey ?? null);
  await opened(operator);
  return {
    url: router.url,
    simulator,
    operator,
    send: async (times, headers = { 'x-agent-name': 'cpt_agent' }) => {
      const body = { model: 'main', messages: [{ role: 'user', content: 'How tall is the house?' }] };
      for (let sent = 0; sent < times; sent++)
        await ask(router.url, { path: '/v1/chat/completions', headers: Object.entries(headers), body });
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** The store is opened behind the first answers. */
async function opened(operator: Operator): Promise<void> {
  const isOpen = async () =>
    (await operator.control<Pick<Overview, 'store'>>({ path: '/router/status' })).store.healthy;
  while (!(await isOpen())) await new Promise((resolve) => setTimeout(resolve, 20));
}

export const CLOSED: RouterParts = { adminKey: ADMIN_KEY, callerKeys: ['a-callers-key'], loopbackOnly: false };

export interface Look {
  readonly scheme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
}

export interface Watched {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors in the console, those of the policy among them, and requests to other origins. */
  readonly offences: string[];
}

export interface Visitors {
  readonly visit: (url: string, look?: Look) => Promise<Watched>;
}

/** Tests in a browser; skipped, with the reason printed, where there is none. What pages did wrong fails the test that opened them. */
export function inBrowser(name: string, tests: (visitors: Visitors) => void): void {
  describe.skipIf(CHROMIUM === null)(name, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await launchChromium(CHROMIUM ?? '');
    });
    afterAll(() => browser.close());
    tests({ visit: (url, look) => visit(browser, url, look) });
  });
}

async function visit(
  browser: Browser,
  url: string,
  { scheme = 'light', width = 1280, height = 900 }: Look = {},
): Promise<Watched> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  const offences: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) offences.push(message.text());
  });
  page.on('pageerror', (error) => offences.push(String(error)));
  page.on('request', (request) => {
    const target = request.url();
    if (!target.startsWith(url) && !target.startsWith('data:')) offences.push(`a request to ${target}`);
  });
  await page.goto(url);
  return { page, context, offences };
}

/** Nothing was kept anywhere, and nothing was done that the page's policy forbids. */
export async function expectClean({ page, context, offences }: Watched): Promise<void> {
  expect(offences).toEqual([]);
  const kept = await page.evaluate(
    'JSON.stringify([Object.keys(localStorage), Object.keys(sessionStorage), document.cookie])',
  );
  expect(kept).toBe('[[],[],""]');
  expect(await page.evaluate('indexedDB.databases().then((all) => all.length)')).toBe(0);
  expect(await context.cookies()).toEqual([]);
  await context.close();
}

/** Waits until what is shown under this selector reads so. */
export async function shows(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor({ timeout: 10_000 });
}
