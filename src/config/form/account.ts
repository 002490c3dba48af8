/** Who pays, and what that buys. */
import * as z from 'zod/mini';
import { TIERS } from '../../domain/config.ts';
import { decimal, flag, listOf, oneOf, optionalSection, section, text, wholeNumber } from './settings.ts';

const LARGE = { min: 0, max: Number.MAX_SAFE_INTEGER };
const tierName = oneOf(TIERS, 'A tier.');
const quota = optionalSection(
  {
    requestsPerMinute: z.optional(wholeNumber(LARGE, 'Requests in a minute.')),
    tokensPerMinute: z.optional(wholeNumber(LARGE, 'Tokens in a minute, prompt and completion.')),
    tokensPerDay: z.optional(wholeNumber(LARGE, 'Tokens in a day (UTC).')),
    tokensPerMonth: z.optional(wholeNumber(LARGE, 'Tokens in a calendar month (UTC).')),
    usdPerDay: z.optional(decimal({ min: 0, max: 1e12 }, 'Cost in a day (UTC).')),
    usdPerMonth: z.optional(decimal({ min: 0, max: 1e12 }, 'Cost in a calendar month (UTC).')),
  },
  'Limits. An absent one does not limit; 0 lets nothing through.',
);

export const plan = section(
  {
    tiers: z.optional(listOf(tierName, 'The tiers the plan may use. Absent: every tier that is configured.')),
    onHigherTier: z._default(
      oneOf(
        ['downgrade', 'refuse'],
        'What becomes of a request for a tier outside the plan: served by the best tier of the plan and marked so, or refused.',
      ),
      'downgrade',
    ),
    downgradeWhenUnavailable: z._default(
      flag('Serve from a lower tier while no deployment of the wanted one can.'),
      false,
    ),
    quota,
  },
  'What an account can buy.',
);

export const account = section(
  { plan: z.optional(text('The plan of the account.', 'pro')), quota },
  "Who pays. Limits given here replace the plan's.",
);
