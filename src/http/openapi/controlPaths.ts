import { inHeader, inPath, inQuery, json, operation, type PathItem } from './operation.ts';
import { ref, text } from './schema.ts';

const DEPLOYMENT = inPath('id', 'a deployment such as A/gpt-4.1, its slash as %2F');
const POOL = inPath('pool', 'a pool');
const HAS = inHeader('if-none-match', 'the etag of what one has');
const AGENT = inPath('name', 'an agent');

const STATES: Readonly<Record<string, PathItem>> = {
  '/router/status': {
    get: operation({ id: 'getStatus', tag: 'fleet', summary: 'How everything stands', answer: 'Status' }),
  },
  '/router/overview': {
    get: operation({
      id: 'getOverview',
      tag: 'fleet',
      summary: 'All that the dashboard shows',
      description: 'Made at most twice a second for all who ask; compressed for those who accept gzip.',
      parameters: [HAS],
      answer: 'Overview',
      also: { 304: { description: 'nothing has changed but the time' } },
    }),
  },
  '/router/deployments': {
    get: operation({ id: 'listDeployments', tag: 'fleet', summary: 'All deployments', answer: 'Deployments' }),
  },
  '/router/deployments/{id}': {
    get: operation({
      id: 'getDeployment',
      tag: 'fleet',
      summary: 'One deployment',
      parameters: [DEPLOYMENT],
      answer: 'Deployment',
      errors: [404],
    }),
  },
  '/router/deployments/{id}/drain': {
    post: operation({
      id: 'drainDeployment',
      tag: 'fleet',
      summary: 'Takes a deployment out of rotation until it is restored',
      parameters: [DEPLOYMENT],
      answer: 'Deployment',
      errors: [404],
    }),
  },
  '/router/deployments/{id}/restore': {
    post: operation({
      id: 'restoreDeployment',
      tag: 'fleet',
      summary: 'Puts a deployment back into rotation, whatever kept it out',
      parameters: [DEPLOYMENT],
      answer: 'Deployment',
      errors: [404],
    }),
  },
  '/router/pools': { get: operation({ id: 'listPools', tag: 'fleet', summary: 'All pools', answer: 'Pools' }) },
  '/router/pools/{pool}': {
    get: operation({
      id: 'getPool',
      tag: 'fleet',
      summary: 'One pool',
      parameters: [POOL],
      answer: 'Pool',
      errors: [404],
    }),
  },
};

const AGENTS: Readonly<Record<string, PathItem>> = {
  '/router/agents': {
    get: operation({
      id: 'listAgents',
      tag: 'agents',
      summary: 'Agents that have a home, are away from it, or have failed lately',
      answer: 'Agents',
    }),
  },
  '/router/agents/{name}': {
    get: operation({ id: 'getAgent', tag: 'agents', summary: 'One agent', parameters: [AGENT], answer: 'Agent' }),
    put: operation({
      id: 'assignAgent',
      tag: 'agents',
      summary: 'Moves an agent to a deployment, or pins it there',
      parameters: [AGENT],
      body: { schema: 'Assignment' },
      answer: 'Agent',
      errors: [404],
    }),
    delete: operation({
      id: 'releaseAgent',
      tag: 'agents',
      summary: 'Sends an agent home and forgets its failures',
      parameters: [AGENT],
      answer: 'Agent',
    }),
  },
  '/router/failovers': {
    get: operation({
      id: 'listFailovers',
      tag: 'agents',
      summary: 'Failovers, moves and transitions, newest first',
      parameters: [
        inQuery('since', 'an instant, or milliseconds since 1970; else the last day'),
        inQuery('limit', 'at most so many', { type: 'integer', minimum: 1, maximum: 1000, default: 200 }),
      ],
      answer: 'Events',
    }),
  },
};

const QUESTIONS: Readonly<Record<string, PathItem>> = {
  '/router/explain': {
    post: operation({
      id: 'explain',
      tag: 'questions',
      summary: 'The route a request would take now, without sending it',
      body: { schema: 'Question' },
      answer: 'Explanation',
      errors: [404, 415],
    }),
  },
  '/router/probe': {
    post: operation({
      id: 'probe',
      tag: 'questions',
      summary: 'Each deployment tried once, now',
      body: { schema: 'ProbeOrder', required: false },
      answer: 'Probes',
      errors: [404],
    }),
  },
};

const ACCOUNTS: Readonly<Record<string, PathItem>> = {
  '/router/keys': {
    get: operation({ id: 'listKeys', tag: 'accounts', summary: 'All keys, without their texts', answer: 'Keys' }),
    post: operation({
      id: 'makeKey',
      tag: 'accounts',
      summary: 'Makes a key and shows it this once',
      body: { schema: 'KeyOrder' },
      answer: 'MadeKey',
    }),
  },
  '/router/keys/{id}': {
    delete: operation({
      id: 'revokeKey',
      tag: 'accounts',
      summary: 'Revokes a key',
      parameters: [inPath('id', 'of the key; not its text')],
      answer: 'RevokedKey',
      errors: [404],
    }),
  },
  '/router/quotas': {
    get: operation({ id: 'listQuotas', tag: 'accounts', summary: 'How the quotas stand', answer: 'Quotas' }),
  },
  '/router/usage': {
    get: operation({
      id: 'getUsage',
      tag: 'accounts',
      summary: 'What was used, in tokens and dollars',
      parameters: [
        inQuery('from', 'a day or instant; else the first of the month'),
        inQuery('to', 'a day or instant, included; else today'),
        inQuery('by', 'labels to sum by, with commas between: creator, model, operation, account, agent, day'),
        inQuery('format', 'json or csv', { type: 'string', enum: ['json', 'csv'], default: 'json' }),
      ],
      answer: 'Usage',
      also: {
        200: {
          description: 'What was used, in tokens and dollars',
          content: { ...json(ref('Usage')), 'text/csv': { schema: text } },
        },
      },
    }),
  },
};

const OPEN: Readonly<Record<string, PathItem>> = {
  '/': {
    get: operation({
      id: 'getPage',
      tag: 'open',
      summary: 'The dashboard',
      answer: 'Anything',
      parameters: [HAS],
      also: {
        200: { description: 'The dashboard', content: { 'text/html': { schema: text } } },
        304: { description: 'it has not changed' },
      },
      open: true,
    }),
  },
  '/router/assets/{name}': {
    get: operation({
      id: 'getAsset',
      tag: 'open',
      summary: 'What the dashboard loads',
      parameters: [inPath('name', 'as the page names it'), HAS],
      answer: 'Anything',
      also: {
        200: { description: 'the file', content: { '*/*': {} } },
        304: { description: 'it has not changed' },
        404: { description: 'there is none of that name', content: { 'text/plain': {}, ...json(ref('Error')) } },
      },
      open: true,
    }),
  },
  '/healthz': {
    get: operation({ id: 'isAlive', tag: 'open', summary: 'The process lives', answer: 'Liveness', open: true }),
  },
  '/readyz': {
    get: operation({
      id: 'isReady',
      tag: 'open',
      summary: 'The configuration is valid',
      answer: 'Readiness',
      also: { 503: { description: 'it is not', content: json(ref('Unconfigured')) } },
      open: true,
    }),
  },
  '/router/openapi.json': {
    get: operation({ id: 'getDescription', tag: 'questions', summary: 'This document', answer: 'Anything' }),
  },
};

export const CONTROL_PATHS: Readonly<Record<string, PathItem>> = {
  ...OPEN,
  ...STATES,
  ...AGENTS,
  ...QUESTIONS,
  ...ACCOUNTS,
};
