/** The parts of `docs/configuration.md` that no schema can tell. A test parses every `jsonc` block and quick start in it. */

export const GUIDE = `
The router reads one document, \`router.json\`: JSON with comments and trailing commas. \`--config FILE\` or \`ROUTER_CONFIG\` names it.
Without one, the environment alone says where requests go, in one of the three quick starts below. A document wins over the
environment; only a document that names no endpoints takes them from there.

Everything that is wrong is reported at once, each fault with its path, what was found, what is allowed and what was probably
meant. With a fault the router does not start. Put \`"$schema": "./router.schema.json"\` first and editors check the file as you
type.

## Quick starts by environment

### One resource, or one with backups

\`\`\`sh
AZURE_OPENAI_ENDPOINT=https://one.openai.azure.com
AZURE_OPENAI_API_KEY=…
AZURE_OPENAI_DEPLOYMENT_NAME=gpt-4.1
\`\`\`

Callers name the deployment as their \`model\`. Optional:

- \`AZURE_OPENAI_DEPLOYMENT_NAME_2\`, \`_3\`, …: further deployments, on every endpoint.
- \`AZURE_OPENAI_ENDPOINT_2\` with \`AZURE_OPENAI_API_KEY_2\`, and so on: backups, tried in order when those before cannot serve. The
  endpoints are called \`A\`, \`B\`, …; all have the deployments of the first. Without a key of its own a backup is entered with the first one's.
- \`AZURE_OPENAI_API_VERSION\`, \`AZURE_OPENAI_API_VERSION_2\`, …: \`v1\` or a dated version.
- Without \`AZURE_OPENAI_API_KEY\` the router uses its managed identity.

### Several resources in turn

\`\`\`sh
AZURE_OPENAI_ENDPOINT_0=https://one.openai.azure.com
AZURE_OPENAI_DEPLOYMENT_NAME_0=gpt-4.1
AZURE_OPENAI_API_KEY_0=…
AZURE_OPENAI_API_VERSION_0=2025-01-01-preview
AZURE_OPENAI_ENDPOINT_1=https://two.openai.azure.com
AZURE_OPENAI_DEPLOYMENT_NAME_1=gpt-4.1
AZURE_OPENAI_API_KEY_1=…
\`\`\`

One \`roundRobin\` pool over all entries, named after the first deployment. An entry that lacks its endpoint, deployment or key is left
out with a warning, as long as one is complete. Without any key the router uses its managed identity. \`AZURE_OPENAI_API_KEY\` and
\`AZURE_OPENAI_API_VERSION\` stand in where an entry has none.

### The older names

\`\`\`sh
AZURE_OPENAI_ENDPOINT=https://one.openai.azure.com
AZURE_OPENAI_KEY=…
AZURE_OPENAI_DEPLOYMENT=gpt-4.1
\`\`\`

The same as the first quick start, and to be mixed with it as you like.

## Secrets

A key stands in the document as \`"\${NAME}"\` and comes from the environment variable \`NAME\`. In Azure that is an app setting, which may
be a Key Vault reference. The reference is always the whole value; \`apiKey\`, \`api_key\`, \`url\`, \`endpoint\` and \`clientId\` may be one.
Better still is no key at all: \`"auth": "managedIdentity"\`. A key written out in the document works, with a note at start. No fault,
note or log ever shows a key.

## Short forms

A primary and its backups, as one \`priority\` pool named like the deployment:

\`\`\`jsonc
{
  "endpoint": "https://one.openai.azure.com",
  "deployment_name": "gpt-4.1",
  "api_key": "\${AZURE_OPENAI_API_KEY}",
  "api_version": "2025-01-01-preview",
  "backups": [
    { "endpoint": "https://two.openai.azure.com", "api_key": "\${SECOND_API_KEY}" },
    { "endpoint": "https://three.openai.azure.com", "deployment_name": "gpt-4.1-dr" }
  ]
}
\`\`\`

The endpoints are called \`A\`, \`B\`, \`C\`, … . What a backup does not say is as for the primary.

Names of models, each for one deployment:

\`\`\`jsonc
{
  "endpoint": "https://one.openai.azure.com",
  "api_key": "\${AZURE_OPENAI_API_KEY}",
  "models": { "gpt-4o": "my-deployment", "mini": "my-small-deployment" }
}
\`\`\`

\`models\` also goes with \`endpoints\`; each name is then served by every endpoint that has the deployment. A short form beside a long
form that says something else is a fault.
`;

export const EXAMPLE = `
{
  "$schema": "./router.schema.json",
  "endpoints": {
    "A": {
      "url": "https://one.openai.azure.com",
      "apiKey": "\${AZURE_OPENAI_API_KEY}",
      "api": "2025-01-01-preview",
      "region": "eastus2",
      "deployments": { "gpt-4.1": { "model": "gpt-4.1" }, "gpt-4.1-2": { "model": "gpt-4.1", "kind": "ptu" } }
    },
    // The same key, API and deployments as A.
    "B": { "inherits": "A", "url": "https://two.openai.azure.com", "region": "westeurope" },
    "C": {
      "url": "https://three.openai.azure.com",
      "auth": "managedIdentity",
      "api": "v1",
      "deployments": { "gpt4o": { "model": "gpt-4o", "price": { "input": 2.75, "cached": 1.375, "output": 11 } } }
    }
  },
  "pools": {
    "gpt-4.1": { "strategy": "priority", "members": ["A/gpt-4.1", "B/gpt-4.1"] },
    "even": { "strategy": "roundRobin", "members": ["A/gpt-4.1", "A/gpt-4.1-2", "B/gpt-4.1"] },
    "shares": {
      "strategy": "weighted",
      "members": [{ "deployment": "A/gpt-4.1", "weight": 3 }, { "deployment": "B/gpt-4.1", "weight": 1 }]
    },
    "gpt-4o": { "members": ["C/gpt4o"], "failoverOn": "availability", "cache": true }
  },
  "defaultPool": "gpt-4.1",
  "agents": {
    "homes": { "cpt_agent": "A/gpt-4.1", "icd_agent": "A/gpt-4.1-2", "cci_agent": "B/gpt-4.1-2" },
    "defaultHome": "A/gpt-4.1"
  },
  "tiers": {
    "premium": { "chain": ["gpt-4.1", "gpt-4o"] },
    "standard": { "chain": ["even"] },
    "economy": { "chain": ["gpt-4o"] }
  },
  "defaultTier": "standard",
  "plans": {
    "free": { "tiers": ["economy"], "quota": { "requestsPerMinute": 60, "tokensPerDay": 200000, "usdPerMonth": 5 } },
    "pro": { "tiers": ["premium", "standard", "economy"], "downgradeWhenUnavailable": true }
  },
  "accounts": { "clinic-7": { "plan": "pro", "quota": { "usdPerMonth": 500 } } }
}
`;
