import type { Principal } from '../domain/account.ts';
import { UNLIMITED } from '../domain/account.ts';
import type { Plan, Quota, RouterConfig } from '../domain/config.ts';
import { RouterError } from '../domain/errors.ts';

/** What a credential says of its holder. */
export interface Standing {
  readonly account: string;
  /** `null`: the account's, as configured. */
  readonly plan: string | null;
  readonly agent: string | null;
  readonly creator: string | null;
  readonly operation: string | null;
  readonly pools: readonly string[] | null;
  readonly keyId: string | null;
}

/** An account and nothing else. */
export function ofAccount(account: string, keyId: string | null): Standing {
  return { account, plan: null, agent: null, creator: null, operation: null, pools: null, keyId };
}

export function principalFor(config: Pick<RouterConfig, 'plans' | 'accounts'>, standing: Standing): Principal {
  const { account, agent, creator, operation, pools, keyId } = standing;
  const configured = config.accounts.get(account);
  const name = standing.plan ?? configured?.plan ?? null;
  const plan = name === null ? null : planNamed(config, name, account);
  const quota = joined(configured?.quota ?? UNLIMITED, plan?.quota ?? UNLIMITED);
  return { account, plan, quota, agent, creator, operation, pools: pools === null ? null : new Set(pools), keyId };
}

/** A plan that was taken out of the configuration limited what its accounts may do: without it they may do nothing. */
function planNamed({ plans }: Pick<RouterConfig, 'plans'>, name: string, account: string): Plan {
  const plan = plans.get(name);
  if (plan !== undefined) return plan;
  const [what, whose] = [JSON.stringify(name), JSON.stringify(account)];
  throw new RouterError(
    'forbidden',
    `The plan ${what} of account ${whose} is not in the router's configuration any more.`,
  );
}

function joined(own: Quota, plans: Quota): Quota {
  return {
    requestsPerMinute: own.requestsPerMinute ?? plans.requestsPerMinute,
    tokensPerMinute: own.tokensPerMinute ?? plans.tokensPerMinute,
    tokensPerDay: own.tokensPerDay ?? plans.tokensPerDay,
    tokensPerMonth: own.tokensPerMonth ?? plans.tokensPerMonth,
    usdPerDay: own.usdPerDay ?? plans.usdPerDay,
    usdPerMonth: own.usdPerMonth ?? plans.usdPerMonth,
  };
}
