/**
 * The whole configuration form. The JSON Schema for editors and `docs/configuration.md` are generated from here, so each
 * description is written for the person who fills the form in.
 */
import * as z from 'zod/mini';
import { STRATEGIES, TIERS } from '../domain/config.ts';
import { FAILOVER_OUTCOMES } from '../domain/outcome.ts';
import {
  decimal,
  deploymentReference,
  flag,
  freeName,
  ID_ALLOWED,
  listed,
  listOf,
  mapOf,
  name,
  oneOf,
  optionalSection,
  section,
  text,
  wholeNumber,
} from './settings.ts';

/** The last dated version: it alone among them serves chat, responses, images and audio, on every resource. */
export const DEFAULT_API = '2025-04-01-preview';
export const DEFAULT_SCOPE = 'https://cognitiveservices.azure.com/.default';
/** Azure's front end ends a request that has not begun to answer after 230 s; the rest is for our own answer. */
const LONGEST_DEADLINE_MS = 225_000;
const DAY_MS = 86_400_000;

const API = /^(v1|\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(-preview)?)$/;

function api(about: string, extra: Record<string, unknown> = {}) {
  const allowed = '"v1", or a dated version such as "2024-10-21" or "2025-01-01-preview"';
  return z
    .string(allowed)
    .check(z.regex(API, allowed), z.meta({ description: about, examples: ['v1', '2025-01-01-preview'], ...extra }));
}

function secret(about: string) {
  const allowed = '"${NAME}", the name of an environment variable in braces';
  return z
    .string(allowed)
    .check(z.minLength(1, allowed), z.meta({ description: about, examples: ['${AZURE_OPENAI_API_KEY}'] }));
}

function usdPerMillion(about: string) {
  return decimal({ min: 0, max: 100_000 }, about);
}

const price = section(
  {
    input: usdPerMillion('USD per million prompt tokens.'),
    cached: z.optional(usdPerMillion('USD per million prompt tokens read from the prompt cache. Absent: as `input`.')),
    output: usdPerMillion('USD per million completion tokens, reasoning tokens among them.'),
  },
  'What the tokens of this deployment cost. Absent: the price of its model, where the router knows it.',
);

const deployment = section(
  {
    model: z.optional(text('The model behind the deployment, for prices and the models list.', 'gpt-4.1')),
    kind: z._default(
      oneOf(['standard', 'ptu'], 'How its capacity is bought: by token, or as provisioned throughput.'),
      'standard',
    ),
    price: z.optional(price),
  },
  'One model deployment of the endpoint, under its name in Azure. May be empty: `{}`.',
);

// No zod defaults in here: they would stand in the child's way of inheriting its parent's values.
const endpoint = section(
  {
    inherits: z.optional(
      text('Another endpoint whose settings hold here wherever this one has none of its own. Chains are allowed.', 'A'),
    ),
    url: z.optional(
      text(
        'The address of the Azure OpenAI resource, or of a proxy before it, up to but without `/openai`. May be `${NAME}`.',
        'https://one.openai.azure.com',
      ),
    ),
    apiKey: z.optional(
      secret("The resource's key, as `${NAME}` from the environment (an app setting may be a Key Vault reference)."),
    ),
    auth: z.optional(
      oneOf(
        ['apiKey', 'managedIdentity'],
        'How the router proves itself to the endpoint. Absent: `apiKey`, if one is given.',
      ),
    ),
    clientId: z.optional(
      text('The client id of a user-assigned managed identity. Absent: the system-assigned one. May be `${NAME}`.'),
    ),
    scope: z.optional(
      text('The scope a managed identity asks its token for.').check(
        z.meta({
          description: 'The scope a managed identity asks its token for.',
          default: DEFAULT_SCOPE,
          examples: ['https://ai.azure.com/.default'],
        }),
      ),
    ),
    api: z.optional(
      api(
        'How the endpoint is spoken to: `v1`, or dated paths with this `api-version`. Independent of what callers speak.',
        { default: DEFAULT_API },
      ),
    ),
    region: z.optional(text('The Azure region, for status and telemetry.', 'eastus2')),
    allowInsecure: z.optional(
      flag('Allow `http://` to a host other than this machine. The key then travels in clear.').check(
        z.meta({
          description: 'Allow `http://` to a host other than this machine. The key then travels in clear.',
          default: false,
        }),
      ),
    ),
    deployments: z.optional(
      mapOf(
        name,
        deployment,
        'The deployments of the endpoint. Absent: those of the endpoint it inherits from, all of them; never merged.',
      ),
    ),
  },
  'One Azure OpenAI resource: where it is, how to get in, what is deployed there.',
);

const WEIGHT = { min: 0, max: 1_000_000 };
const member = z
  .union(
    [
      deploymentReference('A deployment id.'),
      section(
        {
          deployment: deploymentReference('A deployment id.'),
          weight: z._default(decimal(WEIGHT, 'Share of the traffic under `weighted`.'), 1),
        },
        'A deployment and its share.',
      ),
    ],
    `${ID_ALLOWED}, or {"deployment": "A/gpt-4.1", "weight": 3}`,
  )
  .check(z.describe('A deployment id, or a deployment with its weight.'));

const FAILOVER_PRESETS = ['availability'] as const;
const failoverOn = z
  .union(
    [
      z.array(oneOf(FAILOVER_OUTCOMES, 'An outcome that may send a request to the next deployment.')),
      z.literal(FAILOVER_PRESETS),
    ],
    `a list of ${listed(FAILOVER_OUTCOMES)}, or "availability"`,
  )
  .check(
    z.describe(
      'What sends a request on to the next deployment. The preset `availability` is `failing` alone: 429, 401, 403 and 404 then go to the caller as they came. An empty list: nothing does.',
    ),
  );

const pool = section(
  {
    strategy: z._default(
      oneOf(
        STRATEGIES,
        'How the next deployment is chosen. `priority`: the first that can serve. `roundRobin`: in turn, over all instances. `weighted`: by weight. `spread`: a stable choice by `prompt_cache_key`, else agent. `leastLatency`: the quickest to its first byte. `mostHeadroom`: the one furthest from its limits.',
      ),
      'priority',
    ),
    members: listOf(member, 'The deployments of the pool, in order of preference.'),
    failoverOn: z._default(failoverOn, [...FAILOVER_OUTCOMES]),
    block: z._default(
      wholeNumber(
        { min: 1, max: 10_000 },
        '`roundRobin`: how many turns an instance takes from the shared cursor at once. 1 is strict order over all instances.',
      ),
      1,
    ),
    cache: z._default(flag('Answer repeated equal requests from the response cache.'), false),
  },
  'A named, ordered set of deployments. Callers name it as their `model`.',
);

const agents = optionalSection(
  {
    homes: z.prefault(
      mapOf(
        freeName,
        deploymentReference('The home of the agent.'),
        'Agent name -> the deployment its calls go to while that is well.',
      ),
      {},
    ),
    defaultHome: z.optional(
      deploymentReference("The home of agents that have none of their own. Absent: the pool's strategy decides."),
    ),
    failureThreshold: z._default(
      wholeNumber(
        { min: 1, max: 1_000_000 },
        'Failures within `failureWindowMs` after which an agent is moved to another deployment.',
      ),
      3,
    ),
    failureWindowMs: z._default(
      wholeNumber(
        { min: 1, max: DAY_MS },
        'How long a failure counts, and how long an agent stays away before it may return home.',
      ),
      300_000,
    ),
  },
  'Agents and the deployments they are stuck to. A home outside the requested pool does not apply there.',
);

const tier = z.optional(
  section(
    { chain: listOf(name, 'Pools that serve the tier, in order: primary, secondary, disaster recovery.') },
    'The pools behind the tier.',
  ),
);
const tiers = optionalSection(
  { premium: tier, standard: tier, economy: tier },
  'Tier -> the pools that serve it. Callers name a tier as their `model` or in `x-router-tier`.',
);

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

const plan = section(
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

const account = section(
  { plan: z.optional(text('The plan of the account.', 'pro')), quota },
  "Who pays. Limits given here replace the plan's.",
);

const SHORT = 'Short form: ';
const backup = section(
  {
    endpoint: text('The address of the backup resource. May be `${NAME}`.', 'https://two.openai.azure.com'),
    deployment_name: z.optional(name.check(z.describe("Its deployment. Absent: the primary's."))),
    api_key: z.optional(secret("Its key, as `${NAME}`. Absent: the primary's.")),
    api_version: z.optional(api("Its API version. Absent: the primary's.")),
  },
  'A resource to go to when those before it cannot serve.',
);

const ms = (min: number, max: number, about: string) => wholeNumber({ min, max }, about);

export const routerDocument = section(
  {
    $schema: z.optional(
      z.string('text').check(z.describe('Where editors find the form of this file. The router does not read it.')),
    ),
    endpoints: z.optional(mapOf(name, endpoint, 'The Azure OpenAI resources, by the name you give them.')),
    pools: z.optional(
      mapOf(
        name,
        pool,
        'What callers name as their `model`. Absent: a `priority` pool for each deployment name, over all endpoints that have it.',
      ),
    ),
    defaultPool: z.optional(
      name.check(z.describe('The pool for `auto` and for paths that name none. Absent: the first pool.')),
    ),
    agents,
    tiers,
    defaultTier: z.optional(
      oneOf(
        TIERS,
        'The tier of requests that name neither a tier nor a pool. Absent: none, the default pool serves them.',
      ),
    ),
    plans: z.prefault(mapOf(freeName, plan, 'What accounts can buy.'), {}),
    accounts: z.prefault(mapOf(freeName, account, 'Who pays.'), {}),
    breaker: optionalSection(
      {
        failures: z._default(ms(1, 1_000_000, 'Failures within `windowMs` that open the breaker of a deployment.'), 5),
        windowMs: z._default(ms(1, DAY_MS, 'How long a failure counts.'), 60_000),
        openMs: z._default(
          ms(0, DAY_MS, 'How long a deployment rests the first time; each failed probe doubles it.'),
          30_000,
        ),
        maxOpenMs: z._default(
          ms(
            0,
            DAY_MS,
            'The longest rest. If only one of `openMs` and `maxOpenMs` is given, the other gives way to it.',
          ),
          300_000,
        ),
        refreshMs: z._default(ms(10, 60_000, 'How often an instance looks for what the others have learnt.'), 1_000),
      },
      'When a failing deployment is left alone, and for how long.',
    ),
    timeouts: optionalSection(
      {
        deadlineMs: z._default(
          ms(
            1,
            LONGEST_DEADLINE_MS,
            "From the arrival of a request to the first byte of its answer, all attempts together. Azure's front end gives up after 230 s.",
          ),
          200_000,
        ),
        connectMs: z._default(ms(1, LONGEST_DEADLINE_MS, 'Longest wait for a connection to an endpoint.'), 3_000),
        firstTokenMs: z._default(
          ms(
            1,
            LONGEST_DEADLINE_MS,
            'Longest wait for the first content of a stream before another deployment is tried.',
          ),
          60_000,
        ),
        answerMs: z._default(
          z
            .nullable(ms(1, LONGEST_DEADLINE_MS, "Longest wait for one attempt's whole unstreamed answer."))
            .check(
              z.describe(
                "Longest wait for one attempt's whole unstreamed answer. `null`: half of what is left of the deadline while others could still serve.",
              ),
            ),
          null,
        ),
        streamIdleMs: z._default(ms(1, 3_600_000, 'Longest silence within a stream.'), 60_000),
        streamMaxMs: z._default(ms(1, 3_600_000, 'Longest life of a stream.'), 600_000),
        heartbeatMs: z._default(
          ms(0, LONGEST_DEADLINE_MS, 'How often a silent stream gets a comment line to keep it open. 0: never.'),
          15_000,
        ),
      },
      'How long to wait for what.',
    ),
    retries: optionalSection(
      {
        sameDeployment: z._default(
          wholeNumber({ min: 0, max: 20 }, 'Repeats on the same deployment when there is no other to go to.'),
          2,
        ),
        baseMs: z._default(
          ms(0, LONGEST_DEADLINE_MS, 'Wait before the first repeat; doubled each time, with jitter.'),
          500,
        ),
        maxMs: z._default(ms(0, LONGEST_DEADLINE_MS, 'Longest wait before a repeat.'), 8_000),
        budgetPercent: z._default(
          wholeNumber(
            { min: 0, max: 100 },
            'Repeats and attempts beyond the third, as a share of requests. The first failover is never denied.',
          ),
          20,
        ),
      },
      'When the same deployment is tried again.',
    ),
    cache: optionalSection(
      {
        ttlMs: z._default(ms(0, 30 * DAY_MS, 'How long an answer may be used again.'), 300_000),
        maxMb: z._default(decimal({ min: 0, max: 4_096 }, 'Memory for cached answers in each instance, in MB.'), 64),
      },
      'The response cache, for pools with `cache: true`.',
    ),
    limits: optionalSection(
      {
        bodyMb: z._default(decimal({ min: 0.001, max: 200 }, 'Largest request body, in MB.'), 32),
        headerCount: z._default(wholeNumber({ min: 1, max: 2_000 }, 'Most headers of a request.'), 100),
        headerKb: z._default(decimal({ min: 1, max: 1_024 }, 'All headers of a request together, in kB.'), 32),
        jsonDepth: z._default(wholeNumber({ min: 1, max: 10_000 }, "Deepest nesting of a request's JSON."), 128),
      },
      'Bounds on what callers may send.',
    ),
    endpoint: z.optional(
      text(
        `${SHORT}the address of the primary resource (endpoint \`A\`). May be \`\${NAME}\`.`,
        'https://one.openai.azure.com',
      ),
    ),
    deployment_name: z.optional(
      name.check(z.describe(`${SHORT}the primary's deployment. The pool over it and its backups bears this name.`)),
    ),
    api_key: z.optional(secret(`${SHORT}the primary's key, as \`\${NAME}\`. Absent: managed identity.`)),
    api_version: z.optional(api(`${SHORT}the primary's API version: \`v1\` or a dated one.`)),
    backups: z.optional(
      listOf(backup, `${SHORT}resources to go to when the primary cannot serve, in order (endpoints \`B\`, \`C\`, …).`),
    ),
    models: z.optional(
      mapOf(
        name,
        name,
        `${SHORT}model name -> deployment name. Each becomes a pool of that one deployment, on every endpoint that has it.`,
      ),
    ),
  },
  'The configuration of the router.',
);

export type RouterDocument = z.output<typeof routerDocument>;

/** What is left of a document once everything of the wrong shape is taken out: any part may be missing. */
export type Draft = Incomplete<z.input<typeof routerDocument>>;
type Incomplete<T> = T extends readonly (infer Item)[]
  ? readonly (Incomplete<Item> | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]?: Incomplete<T[Key]> | undefined }
    : T;
