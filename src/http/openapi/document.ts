import { type ControlRoute, withId } from '../controlRoute.ts';
import { CONTROL_PATHS } from './controlPaths.ts';
import { DATA_PATHS, LABEL_PARAMETERS } from './dataPaths.ts';
import { FLEET_SCHEMAS } from './fleetSchemas.ts';
import { GENERATE_PATHS, GENERATE_SCHEMAS } from './generatePaths.ts';
import { LEDGER_SCHEMAS } from './ledgerSchemas.ts';
import { LOOK_SCHEMAS } from './lookSchemas.ts';
import { ERROR_RESPONSES } from './operation.ts';

/** Of the interface, not of the package: it moves when what is described here does. */
const INTERFACE_VERSION = '1.0.0';

export const DESCRIPTION = {
  openapi: '3.1.1',
  info: {
    title: 'Azure OpenAI router',
    version: INTERFACE_VERSION,
    description:
      'The data plane is that of Azure OpenAI and is described here in short; the control plane under /router needs the admin key, but for /router/generate, which takes the keys of callers.',
  },
  servers: [{ url: '/' }],
  security: [{ apiKey: [] }, { bearer: [] }],
  tags: [
    { name: 'data plane', description: 'what callers ask' },
    { name: 'fleet', description: 'deployments and pools' },
    { name: 'agents', description: 'where agents are, and what moved them' },
    { name: 'questions', description: 'what would happen, and what is' },
    { name: 'accounts', description: 'keys, quotas, usage' },
    { name: 'open', description: 'needs no key' },
  ],
  paths: { ...CONTROL_PATHS, ...GENERATE_PATHS, ...DATA_PATHS },
  components: {
    schemas: { ...FLEET_SCHEMAS, ...LEDGER_SCHEMAS, ...LOOK_SCHEMAS, ...GENERATE_SCHEMAS },
    responses: ERROR_RESPONSES,
    parameters: LABEL_PARAMETERS,
    securitySchemes: {
      apiKey: { type: 'apiKey', in: 'header', name: 'api-key' },
      bearer: { type: 'http', scheme: 'bearer', description: 'the same key, or an Entra token' },
    },
  },
} as const;

export function descriptionRoute(): ControlRoute {
  let body: Buffer | null = null;
  return {
    method: 'GET',
    path: /^\/router\/openapi\.json$/,
    open: false,
    answer: ({ requestId }) => {
      body ??= Buffer.from(JSON.stringify(DESCRIPTION));
      return { status: 200, headers: ['content-type', 'application/json', ...withId(requestId)], body };
    },
  };
}
