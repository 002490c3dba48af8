/** What the control plane shows and changes of accounts: keys, quotas, usage. */
import type { KeyDesk } from '../accounts/keyDesk.ts';
import type { QuotaStanding } from '../accounts/port.ts';
import { ofAccount, principalFor } from '../accounts/principal.ts';
import { DEFAULT_ACCOUNT } from '../domain/account.ts';
import type { Clock } from '../domain/clock.ts';
import type { Quota, RouterConfig } from '../domain/config.ts';
import type { UsageQuery, UsageReport } from '../usage/port.ts';
import { type ControlRoute, get, queryOf, route, withId } from './controlRoute.ts';
import { keyList, makeKey, revokeKey } from './keys.ts';
import { readUsageQuestion, usageAnswer } from './usage.ts';

export interface Ledgers {
  readonly keys: KeyDesk;
  readonly usage: { report(query: UsageQuery): Promise<UsageReport> };
  readonly quotas: { standing(account: string, quota: Quota): Promise<readonly QuotaStanding[]> };
}

export interface LedgerDeps extends Ledgers {
  readonly config: RouterConfig;
  readonly clock: Clock;
}

const LARGEST_BODY = 64 * 1024;

export function ledgerRoutes(deps: LedgerDeps): ControlRoute[] {
  const { config, clock, keys: desk, usage } = deps;
  const now = (): number => clock.now();
  const facts = { config, desk, now };
  const bodyLimits = { maxBytes: LARGEST_BODY, withinMs: config.timeouts.deadlineMs };
  return [
    get(/^\/router\/keys$/, () => keyList(facts)),
    route('POST', /^\/router\/keys$/, async ({ request }) => makeKey(facts, await request.readBody(bodyLimits))),
    route('DELETE', /^\/router\/keys\/(.+)$/, ({ caught }) => revokeKey(facts, caught)),
    get(/^\/router\/quotas$/, async () => ({ items: await standings(deps) })),
    {
      method: 'GET',
      path: /^\/router\/usage$/,
      open: false,
      answer: async (visit) => {
        const question = readUsageQuestion(queryOf(visit), now());
        return usageAnswer(await usage.report(question), question, withId(visit.requestId));
      },
    },
  ];
}

/** Every quota that somebody here has: by configuration, or by a key with a plan of its own. */
export async function standings({ config, keys, quotas }: LedgerDeps, mostAccounts = Number.POSITIVE_INFINITY) {
  const limits = new Map<string, Quota>();
  for (const name of [DEFAULT_ACCOUNT, ...config.accounts.keys()])
    limits.set(name, principalFor(config, ofAccount(name, null)).quota);
  for (const { account, plan } of await keys.list()) {
    const isKnown = limits.has(account) || (plan !== null && !config.plans.has(plan));
    if (!isKnown) limits.set(account, principalFor(config, { ...ofAccount(account, null), plan }).quota);
  }
  const limited = [...limits].filter(([, quota]) => Object.values(quota).some((limit) => limit !== null));
  const shown = limited.slice(0, mostAccounts);
  const found = await Promise.all(shown.map(([account, quota]) => quotas.standing(account, quota)));
  return found.flat().map(standingView);
}

function standingView({ account, quota, limit, used, reserved, resetsAt }: QuotaStanding) {
  const remaining = Math.max(0, limit - used - reserved);
  return { account, quota, limit, used, reserved, remaining, resetsAt: new Date(resetsAt).toISOString() };
}
