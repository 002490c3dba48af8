/** What callers name, and what stands behind it: pools, agents, tiers. */
import * as z from 'zod/mini';
import { STRATEGIES } from '../../domain/config.ts';
import { FAILOVER_OUTCOMES } from '../../domain/outcome.ts';
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

const DAY_MS = 86_400_000;

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

const REGION_ALLOWED = 'true, or the name of a region, such as "eastus2"';
const preferRegion = z
  .union([z.boolean(REGION_ALLOWED), text('The name of a region.', 'eastus2')], REGION_ALLOWED)
  .check(
    z.describe(
      "The members whose endpoint's `region` is this one come first; the strategy orders them, and the others behind them, by themselves. `true`: the region the router runs in, by the environment's `ROUTER_REGION`, else by Azure's `REGION_NAME`. Absent: all regions are alike.",
    ),
  );

export const pool = section(
  {
    strategy: z._default(
      oneOf(
        STRATEGIES,
        'How the next deployment is chosen. `priority`: the first that can serve. `roundRobin`: in turn, over all instances. `weighted`: by weight. `spread`: a stable choice by `prompt_cache_key`, else agent. `leastLatency`: the quickest to its first byte. `mostHeadroom`: the one furthest from its limits, by what its answers say is left.',
      ),
      'priority',
    ),
    members: listOf(member, 'The deployments of the pool, in order of preference.'),
    failoverOn: z._default(failoverOn, [...FAILOVER_OUTCOMES]),
    block: z._default(
      wholeNumber(
        { min: 1, max: 10_000 },
        '`roundRobin`: how many turns an instance takes from the shared cursor at once. 17, a prime, so that the blocks of several instances begin at different members; 1 is strict order over all instances, and waits for the store with every request.',
      ),
      17,
    ),
    preferRegion: z.optional(preferRegion),
    cache: z._default(flag('Answer repeated equal requests from the response cache.'), false),
  },
  'A named, ordered set of deployments. Callers name it as their `model`.',
);

export const agents = optionalSection(
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
export const tiers = optionalSection(
  { premium: tier, standard: tier, economy: tier },
  'Tier -> the pools that serve it. Callers name a tier as their `model` or in `x-router-tier`.',
);
