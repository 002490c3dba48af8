/** What is typed, what the router answers to it, and how it ends; what is seen lies in `golden/`. */
import { COMMANDS } from '../../src/cli/commands.ts';
import * as fleet from './fleet.ts';
import type { Script } from './scripted.ts';
import type { Stage } from './stage.ts';

export interface Case {
  readonly name: string;
  /** Without the program's name. */
  readonly line: string;
  readonly exit: number;
  readonly script?: Script;
  readonly stage?: Omit<Stage, 'router'>;
}

const KEYED = { env: { AZURE_OPENAI_API_KEY: 'secret-of-one' } };
const WIDE = { isTerminal: true, columns: 100 };

function refused(status: number, message: string, code: string): Script {
  return { status, body: { error: { message, type: 'invalid_request_error', code, param: null } } };
}

const HELPS: Case[] = [
  { name: 'help', line: 'help', exit: 0 },
  { name: 'version', line: '--version', exit: 0 },
  ...COMMANDS.map(({ name }) => ({ name: `help-${name.replace(' ', '-')}`, line: `${name} --help`, exit: 0 })),
];

const LOOKS: Case[] = [
  { name: 'status', line: 'status', exit: 0, script: { 'GET /router/status': { body: fleet.WELL } } },
  {
    name: 'status-trouble',
    line: 'status --exit-code',
    exit: 1,
    script: { 'GET /router/status': { body: fleet.TROUBLED } },
  },
  {
    name: 'status-colours',
    line: 'status',
    exit: 0,
    script: { 'GET /router/status': { body: fleet.TROUBLED } },
    stage: WIDE,
  },
  {
    name: 'status-narrow',
    line: 'status --no-color',
    exit: 0,
    script: { 'GET /router/status': { body: fleet.TROUBLED } },
    stage: { isTerminal: true, columns: 60 },
  },
  { name: 'status-watch', line: 'status --watch', exit: 0, script: { 'GET /router/status': { body: fleet.TROUBLED } } },
  { name: 'status-json', line: 'status --json', exit: 0, script: { 'GET /router/status': { body: fleet.WELL } } },
  {
    name: 'deployments',
    line: 'deployments',
    exit: 0,
    script: { 'GET /router/deployments': { body: { items: fleet.TROUBLED.deployments } } },
  },
  { name: 'agents', line: 'agents', exit: 0, script: { 'GET /router/agents': { body: fleet.AGENTS } } },
  { name: 'agents-none', line: 'agents', exit: 0, script: { 'GET /router/agents': { body: { items: [] } } } },
  {
    name: 'failovers',
    line: 'failovers --since 1d',
    exit: 0,
    script: { 'GET /router/failovers?since=2026-11-20T12%3A02%3A56.000Z': { body: fleet.EVENTS } },
  },
  {
    name: 'usage',
    line: 'usage --by creator,model',
    exit: 0,
    script: { 'GET /router/usage?by=creator%2Cmodel': { body: fleet.USED } },
  },
  {
    name: 'usage-csv',
    line: 'usage --from 7d --by creator,model --csv',
    exit: 0,
    script: { 'GET /router/usage?from=2026-11-15&by=creator%2Cmodel&format=csv': { body: fleet.USED_CSV } },
  },
  { name: 'quota', line: 'quota', exit: 0, script: { 'GET /router/quotas': { body: fleet.QUOTAS } } },
  { name: 'keys-list', line: 'keys list', exit: 0, script: { 'GET /router/keys': { body: fleet.KEYS } } },
  {
    name: 'explain',
    line: 'explain --model gpt-4.1 --agent icd_agent --tier premium',
    exit: 0,
    script: { 'POST /router/explain': { body: fleet.EXPLAINED } },
  },
];

const CHANGES: Case[] = [
  {
    name: 'drain',
    line: 'drain A/gpt-4.1',
    exit: 0,
    script: { 'POST /router/deployments/A%2Fgpt-4.1/drain': { body: fleet.DRAINED } },
  },
  {
    name: 'restore',
    line: 'restore A/gpt-4.1',
    exit: 0,
    script: { 'POST /router/deployments/A%2Fgpt-4.1/restore': { body: fleet.RESTORED } },
  },
  { name: 'probe', line: 'probe', exit: 1, script: { 'POST /router/probe': { body: fleet.PROBES } } },
  {
    name: 'move',
    line: 'move cpt_agent B/gpt-4.1 --pin',
    exit: 0,
    script: { 'PUT /router/agents/cpt_agent': { body: fleet.PINNED } },
  },
  {
    name: 'home',
    line: 'home cpt_agent',
    exit: 0,
    script: { 'DELETE /router/agents/cpt_agent': { body: fleet.AGENTS.items[0] } },
  },
  {
    name: 'keys-make',
    line: 'keys make --account clinic-7 --agent cpt_agent --pools gpt-4.1 --expires 30d',
    exit: 0,
    script: { 'POST /router/keys': { body: fleet.MADE } },
  },
  {
    name: 'keys-revoke',
    line: 'keys revoke 6wnt6ahtxv',
    exit: 0,
    script: { 'DELETE /router/keys/6wnt6ahtxv': { body: fleet.REVOKED } },
  },
];

const CHECKS: Case[] = [
  { name: 'check', line: 'check router.json', exit: 0, stage: KEYED },
  { name: 'check-json', line: 'check router.json --json', exit: 0, stage: KEYED },
  { name: 'check-faulty', line: 'check faulty.json', exit: 78, stage: KEYED },
  { name: 'check-faulty-json', line: 'check faulty.json --json', exit: 78, stage: KEYED },
  { name: 'check-nothing', line: 'check', exit: 78 },
];

const FAILURES: Case[] = [
  { name: 'failure-unreachable', line: 'status --url http://127.0.0.1:59999', exit: 69 },
  { name: 'failure-no-key', line: 'status', exit: 77, script: refused(401, 'An admin key is needed.', 'unauthorized') },
  {
    name: 'failure-wrong-key',
    line: 'status',
    exit: 77,
    script: refused(403, 'This key does not open the control plane.', 'forbidden'),
    stage: { env: { ROUTER_ADMIN_KEY: 'nothing-that-is-shown' } },
  },
  {
    name: 'failure-unknown',
    line: 'drain A/gpt-4.2',
    exit: 1,
    script: refused(
      404,
      'There is no deployment named "A/gpt-4.2". These exist: A/gpt-4.1, B/gpt-4.1.',
      'invalid_request',
    ),
  },
  {
    name: 'failure-store',
    line: 'drain A/gpt-4.1',
    exit: 1,
    script: refused(503, 'The store cannot be reached.', 'internal'),
  },
  {
    name: 'failure-elsewhere',
    line: 'status',
    exit: 69,
    script: { status: 302, headers: { location: 'https://login.example/' }, body: '' },
  },
  { name: 'failure-no-router', line: 'status', exit: 69, script: { body: '<html>Welcome to nginx!</html>' } },
  { name: 'failure-other-router', line: 'status', exit: 1, script: { body: { at: 7 } } },
];

export const CASES: readonly Case[] = [...HELPS, ...LOOKS, ...CHANGES, ...CHECKS, ...FAILURES];
