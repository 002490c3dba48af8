/** One endpoint: where it is, how to get in, what is deployed there. */
import * as z from 'zod/mini';
import { decimal, flag, mapOf, name, oneOf, section, text } from './settings.ts';

/** The last dated version: it alone among them serves chat, responses, images and audio, on every resource. */
export const DEFAULT_API = '2025-04-01-preview';
export const DEFAULT_SCOPE = 'https://cognitiveservices.azure.com/.default';
const API = /^(v1|\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(-preview)?)$/;

export function api(about: string, extra: Record<string, unknown> = {}) {
  const allowed = '"v1", or a dated version such as "2024-10-21" or "2025-01-01-preview"';
  return z
    .string(allowed)
    .check(z.regex(API, allowed), z.meta({ description: about, examples: ['v1', '2025-01-01-preview'], ...extra }));
}

export function secret(about: string) {
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

const KIND =
  "What is there: an Azure OpenAI resource, or OpenAI itself or anything that speaks its API. Of the latter `url` is the base URL that clients take (`https://api.openai.com/v1`), the key goes as a bearer, and a deployment's name is the model's.";

// No zod defaults in here: they would stand in the child's way of inheriting its parent's values.
export const endpoint = section(
  {
    inherits: z.optional(
      text('Another endpoint whose settings hold here wherever this one has none of its own. Chains are allowed.', 'A'),
    ),
    kind: z.optional(
      oneOf(['azure', 'openai'], KIND).check(
        z.meta({
          description: KIND,
          default: 'azure',
        }),
      ),
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
    region: z.optional(text('The Azure region, for status, telemetry and the `preferRegion` of pools.', 'eastus2')),
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
