/** The control plane: what the router knows, for those who run it. */
import type { Gate } from '../accounts/gate.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import type { Answer, IncomingRequest } from '../domain/message.ts';
import type { Operations } from '../state/port.ts';
import { agentList, agentView, eventView, knownDeployment, readAssignment, readEventQuery } from './agents.ts';
import { type ControlRoute, get, queryOf, route, type Visit, withId } from './controlRoute.ts';
import { errorAnswer, jsonAnswer } from './errors.ts';
import { type ExplainDeps, explain } from './explain.ts';
import { type Ledgers, ledgerRoutes } from './ledgers.ts';
import { descriptionRoute } from './openapi/document.ts';
import { type Instance, Lookout, type OverviewDeps } from './overview.ts';
import { overviewRoute } from './overviewRoute.ts';
import { type DashboardFiles, pageRoutes } from './page.ts';
import { type ProbeDeps, probeRoute } from './probe.ts';
import { deploymentStatus, poolStatus, routerStatus, type StatusFacts } from './status.ts';
import { StatusLook } from './statusLook.ts';

export interface ControlDeps extends ExplainDeps, Ledgers {
  readonly gate: Gate;
  readonly operations: Operations;
  readonly instance: Instance;
  readonly recent: OverviewDeps['recent'];
  readonly prober: ProbeDeps['prober'];
  readonly dashboard: DashboardFiles;
}

export interface Control {
  handle(request: IncomingRequest, path: string, requestId: string): Promise<Answer>;
}

export function createControl(deps: ControlDeps): Control {
  const routes = routesOf(deps);
  return {
    async handle(request, path, requestId) {
      const method = request.method === 'HEAD' ? 'GET' : request.method;
      const here = routes.filter((route) => route.path.test(path));
      if (here.length === 0) throw unknownPath(path);
      const route = here.find((one) => one.method === method);
      if (route === undefined) throw wrongMethod(here.map((one) => one.method));
      if (!route.open) await deps.gate.admitAdmin(request.headers, request.source);
      const caught = decoded(route.path.exec(path)?.[1] ?? '');
      const answer = await route.answer({ request, requestId, caught });
      return request.method === 'HEAD' ? { ...answer, body: null } : answer;
    },
  };
}

/** In this order: the first whose path and method fit answers. */
export function routesOf(deps: ControlDeps): ControlRoute[] {
  const lookout = new Lookout(deps);
  const look = new StatusLook(deps, lookout);
  return [
    ...OPEN_ROUTES,
    ...pageRoutes(deps.dashboard),
    get(/^\/router\/status$/, () => look.look()),
    overviewRoute(lookout, deps.clock),
    ...deploymentRoutes(deps),
    probeRoute(deps),
    descriptionRoute(),
    ...agentRoutes(deps),
    ...ledgerRoutes(deps),
  ];
}

function factsOf({ config, state, operations, clock }: ControlDeps): StatusFacts {
  return { config, snapshot: state.snapshot(), operations, now: clock.now() };
}

const OPEN_ROUTES: readonly ControlRoute[] = [
  { ...get(/^\/healthz$/, () => ({ status: 'ok' })), open: true },
  { ...get(/^\/readyz$/, () => ({ status: 'ready' })), open: true },
];

function deploymentRoutes(deps: ControlDeps): ControlRoute[] {
  const { config, operations } = deps;
  const changed = (change: (id: DeploymentId) => Promise<void>) => async (visit: Visit) => {
    const id = knownDeployment(config, visit.caught);
    await change(id);
    return deploymentStatus(factsOf(deps), id);
  };
  return [
    get(/^\/router\/deployments$/, () => ({ items: routerStatus(factsOf(deps)).deployments })),
    route(
      'POST',
      /^\/router\/deployments\/(.+)\/drain$/,
      changed((id) => operations.drain(id)),
    ),
    route(
      'POST',
      /^\/router\/deployments\/(.+)\/restore$/,
      changed((id) => operations.restore(id)),
    ),
    get(/^\/router\/deployments\/(.+)$/, (id) => deploymentStatus(factsOf(deps), id)),
    get(/^\/router\/pools$/, () => ({ items: routerStatus(factsOf(deps)).pools })),
    get(/^\/router\/pools\/(.+)$/, (name) => poolStatus(factsOf(deps), name)),
    route('POST', /^\/router\/explain$/, ({ request, requestId }) => explain(deps, request, requestId)),
  ];
}

const LONGEST_NAME = 128;
const AGENT = /^\/router\/agents\/(.+)$/;

function agentRoutes(deps: ControlDeps): ControlRoute[] {
  const { config, operations, clock } = deps;
  const bodyLimits = { maxBytes: 64 * 1024, withinMs: config.timeouts.deadlineMs };
  return [
    get(/^\/router\/agents$/, () => ({ items: agentList(deps) })),
    get(AGENT, (name) => agentView(config, operations.agent(name))),
    route('PUT', AGENT, async ({ request, caught: name }) => {
      if (name.length > LONGEST_NAME) throw tooLong(name);
      const { deployment, pinned } = readAssignment(config, await request.readBody(bodyLimits));
      await operations.assign(name, deployment, pinned);
      return agentView(config, operations.agent(name));
    }),
    route('DELETE', AGENT, async ({ caught: name }) => {
      await operations.release(name);
      return agentView(config, operations.agent(name));
    }),
    route('GET', /^\/router\/failovers$/, async (visit) => {
      const { since, limit } = readEventQuery(queryOf(visit), clock.now());
      return { items: (await operations.events(since, limit)).map(eventView) };
    }),
  ];
}

function tooLong(name: string): RouterError {
  const message = `The agent's name has ${name.length} characters; allowed are ${LONGEST_NAME}.`;
  return new RouterError('invalid_request', message, { param: 'agent' });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RouterError('invalid_request', 'The path is not percent-encoded rightly.');
  }
}

function unknownPath(path: string): RouterError {
  const message = `There is nothing at ${path.slice(0, 100)}. Completions are under /openai/ and /v1/, the router's own pages under /router/.`;
  return new RouterError('invalid_request', message, { status: 404 });
}

function wrongMethod(allowed: readonly string[]): RouterError {
  const message = `This path takes ${allowed.join(', ')} only.`;
  return new RouterError('invalid_request', message, { status: 405, headers: ['allow', allowed.join(', ')] });
}

/** The answer where there is no configuration to work with: the faults, for those who may see them. */
export function unreadyAnswer(faults: readonly unknown[], admin: boolean, requestId: string): Answer {
  if (!admin) return jsonAnswer(503, { status: 'unconfigured', faults: faults.length }, withId(requestId));
  return jsonAnswer(503, { status: 'unconfigured', faults }, withId(requestId));
}

export function unconfiguredAnswer(faultCount: number, requestId: string): Answer {
  const message = `The router is not configured (${faultCount} ${faultCount === 1 ? 'fault' : 'faults'}); its owner finds them at /readyz with the admin key.`;
  return errorAnswer(new RouterError('internal', message, { status: 503 }), requestId);
}
