/** The settings at the top level that stand for a whole long form. */
import * as z from 'zod/mini';
import { api, secret } from './endpoint.ts';
import { listOf, mapOf, name, section, text } from './settings.ts';

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

export const shortForms = {
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
};
