/** Who is let in, how quotas are kept, what is counted and told. */
import * as z from 'zod/mini';
import { flag, freeName, listOf, mapOf, oneOf, optionalSection, section, text, wholeNumber } from './settings.ts';

const ADDRESS = /^(https:\/\/|http:\/\/(localhost|127(\.\d{1,3}){3})(:|\/))\S+$/;

function address(about: string, example: string) {
  const allowed = 'an https:// address, or an http:// one on this machine';
  return z.string(allowed).check(z.regex(ADDRESS, allowed), z.meta({ description: about, examples: [example] }));
}

const entra = section(
  {
    tenantId: text('The tenant whose tokens are accepted.', '00000000-0000-0000-0000-000000000000'),
    audience: z
      .union([text('An audience.'), listOf(text('An audience.'), 'Audiences.')], 'an audience, or a list of them')
      .check(
        z.describe('For whom a token must have been issued: the id of the app registration, with or without `api://`.'),
      ),
    callerRole: z._default(text('The application role that lets callers in.'), 'Router.Caller'),
    adminRole: z._default(text('The application role that gives admin rights.'), 'Router.Admin'),
    accounts: z._default(
      mapOf(
        freeName,
        text('An account.', 'clinic-7'),
        'Application or object id -> account. Whoever stands here needs no role; whoever does not has an account named like its application id.',
      ),
      {},
    ),
    issuers: z.optional(
      listOf(
        address('An issuer.', 'https://login.microsoftonline.com/…/v2.0'),
        'Who may have issued a token. Absent: the tenant, in both versions of its tokens.',
      ),
    ),
    keysUrl: z.optional(
      address(
        "Where the issuer's keys are. Absent: the tenant's.",
        'https://login.microsoftonline.com/…/discovery/v2.0/keys',
      ),
    ),
  },
  'Tokens of Entra ID as credentials, beside keys.',
);

export const access = {
  auth: optionalSection(
    {
      entra: z.optional(entra),
      failuresPerMinute: z._default(
        wholeNumber(
          { min: 1, max: 1_000_000 },
          'Refused credentials one source may send in a minute before it is told to wait.',
        ),
        30,
      ),
      keysOutliveStoreMs: z._default(
        wholeNumber(
          { min: 0, max: 30 * 86_400_000 },
          'How long keys are believed while the store cannot be asked whether they still hold.',
        ),
        3_600_000,
      ),
    },
    'Who is let in.',
  ),
  quotas: optionalSection(
    {
      whenStoreDown: z._default(
        oneOf(
          ['open', 'closed'],
          'While the store cannot say what is left of a quota: let requests pass and count them later, or refuse them.',
        ),
        'open',
      ),
      outputTokens: z._default(
        wholeNumber(
          { min: 1, max: 1_000_000 },
          'Tokens reserved for an answer whose length the request does not limit; less where less is left.',
        ),
        4_096,
      ),
      warnPercent: z._default(
        wholeNumber({ min: 1, max: 100 }, 'From this share of a limit on, a warning is logged.'),
        80,
      ),
    },
    'How quotas are kept.',
  ),
  usage: optionalSection(
    {
      flushMs: z._default(
        wholeNumber(
          { min: 100, max: 600_000 },
          'How often an instance writes what it has counted: the most that a crash may lose.',
        ),
        5_000,
      ),
      keepDays: z._default(wholeNumber({ min: 1, max: 3_660 }, 'How long the ledger is kept.'), 400),
      askForUsage: z._default(
        flag('Ask deployments for the usage of streams whose callers did not; the callers never see it.'),
        true,
      ),
    },
    'The ledger of tokens and cost.',
  ),
  telemetry: optionalSection(
    {
      requestLog: z.optional(
        flag('A log line for each request. Absent: where there is no Application Insights to keep count.'),
      ),
      labelValues: z._default(
        wholeNumber(
          { min: 1, max: 10_000 },
          'Different agents, creators, operations and accounts in metrics, each; whoever comes later counts as `other`.',
        ),
        200,
      ),
    },
    'What is told to Application Insights and the log.',
  ),
};
