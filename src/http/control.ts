/** The control plane: what the router knows, for those who run it. */
import { RouterError } from '../domain/errors.ts';
import type { Answer, HeaderList, IncomingRequest } from '../domain/message.ts';
import type { Gate } from './auth.ts';
import { errorAnswer, jsonAnswer } from './errors.ts';
import { type ExplainDeps, explain } from './explain.ts';
import { pageAnswer } from './page.ts';
import { deploymentStatus, poolStatus, routerStatus } from './status.ts';

export interface ControlDeps extends ExplainDeps {
  readonly gate: Gate;
}

export interface Control {
  handle(request: IncomingRequest, path: string, requestId: string): Promise<Answer>;
}

interface Visit {
  readonly request: IncomingRequest;
  readonly requestId: string;
  /** What the path's pattern caught. */
  readonly caught: string;
}

interface ControlRoute {
  readonly method: 'GET' | 'POST';
  readonly path: RegExp;
  readonly open: boolean;
  readonly answer: (visit: Visit) => Answer | Promise<Answer>;
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
      if (!route.open) deps.gate.admitAdmin(request.headers);
      const caught = decoded(route.path.exec(path)?.[1] ?? '');
      const answer = await route.answer({ request, requestId, caught });
      return request.method === 'HEAD' ? { ...answer, body: null } : answer;
    },
  };
}

function routesOf(deps: ControlDeps): ControlRoute[] {
  const { config, state, clock, gate } = deps;
  const facts = () => ({ config, snapshot: state.snapshot(), now: clock.now() });
  const get = (path: RegExp, answer: (caught: string) => unknown, open = false): ControlRoute => ({
    method: 'GET',
    path,
    open,
    answer: ({ caught, requestId }) => jsonAnswer(200, answer(caught), withId(requestId)),
  });
  return [
    get(/^\/healthz$/, () => ({ status: 'ok' }), true),
    get(/^\/readyz$/, () => ({ status: 'ready' }), true),
    {
      method: 'GET',
      path: /^\/$/,
      open: true,
      answer: ({ request }) => pageAnswer(gate.isAdmin(request.headers) ? facts() : null),
    },
    get(/^\/router\/status$/, () => routerStatus(facts())),
    get(/^\/router\/deployments$/, () => ({ items: routerStatus(facts()).deployments })),
    get(/^\/router\/deployments\/(.+)$/, (id) => deploymentStatus(facts(), id)),
    get(/^\/router\/pools$/, () => ({ items: routerStatus(facts()).pools })),
    get(/^\/router\/pools\/(.+)$/, (name) => poolStatus(facts(), name)),
    {
      method: 'POST',
      path: /^\/router\/explain$/,
      open: false,
      answer: async ({ request, requestId }) =>
        jsonAnswer(200, await explain(deps, request, requestId), withId(requestId)),
    },
  ];
}

function withId(requestId: string): HeaderList {
  return ['x-router-request-id', requestId, 'cache-control', 'no-store'];
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
