import { GROUPS } from '../../usage/port.ts';
import {
  amount,
  count,
  flag,
  instant,
  items,
  list,
  nullable,
  object,
  oneOf,
  ref,
  type Schema,
  text,
  told,
  usd,
} from './schema.ts';

const QUOTAS = ['requestsPerMinute', 'tokensPerMinute', 'tokensPerDay', 'tokensPerMonth', 'usdPerDay', 'usdPerMonth'];

const key = {
  id: text,
  account: text,
  plan: nullable(text),
  agent: nullable(text),
  creator: nullable(text),
  operation: nullable(text),
  pools: nullable(list(text)),
  createdAt: instant,
  expiresAt: nullable(instant),
  expired: flag,
};

const sums = {
  requests: count,
  promptTokens: count,
  cachedTokens: count,
  completionTokens: count,
  reasoningTokens: count,
  totalTokens: count,
  costUsd: usd,
  estimatedRequests: count,
  unpricedRequests: told(count, 'requests whose price is not known: they cost nothing in costUsd'),
};

const day: Schema = { type: 'string', format: 'date' };
const labels = Object.fromEntries(GROUPS.map((group) => [group, text]));

/** Keys, quotas and usage. */
export const LEDGER_SCHEMAS: Readonly<Record<string, Schema>> = {
  Key: object(key),
  Keys: items(ref('Key')),
  KeyOrder: object(
    { account: text },
    {
      plan: nullable(text),
      agent: nullable(text),
      creator: nullable(text),
      operation: nullable(text),
      pools: nullable(list(text)),
      expiresAt: nullable(instant),
    },
  ),
  MadeKey: object({ ...key, key: told(text, 'shown this once') }),
  RevokedKey: object({ ...key, revoked: { type: 'boolean', const: true } }),
  Quota: object({
    account: text,
    quota: oneOf(QUOTAS),
    limit: amount,
    used: amount,
    reserved: told(amount, 'for requests under way'),
    remaining: amount,
    resetsAt: instant,
  }),
  Quotas: items(ref('Quota')),
  UsageSum: object(sums),
  UsageToday: object({ from: day, to: day, total: ref('UsageSum') }),
  UsageRow: object(sums, labels),
  Usage: object({
    from: day,
    to: day,
    by: list(oneOf(GROUPS)),
    rows: list(ref('UsageRow')),
    total: ref('UsageSum'),
  }),
};
