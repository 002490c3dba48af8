/** What both hosts run: a request in, an answer out, and never an exception. */
import type { Gate } from '../accounts/gate.ts';
import type { Clock } from '../domain/clock.ts';
import type { RouterConfig } from '../domain/config.ts';
import { RouterError } from '../domain/errors.ts';
import type { Answer, IncomingRequest } from '../domain/message.ts';
import type { Prober } from '../relay/probe.ts';
import type { Relay } from '../relay/relay.ts';
import { ConfinedViews } from '../routing/confined.ts';
import type { Operations, State } from '../state/port.ts';
import type { Journal } from '../telemetry/port.ts';
import { type Control, createControl } from './control.ts';
import { readTarget } from './dialect.ts';
import { asRouterError, errorAnswer } from './errors.ts';
import { GenerateDoor } from './generate.ts';
import type { Ledgers } from './ledgers.ts';
import { checkHeaders } from './limits.ts';
import { modelsAnswer } from './models.ts';
import type { Instance, OverviewDeps } from './overview.ts';
import type { DashboardFiles } from './page.ts';
import { readCall } from './read.ts';

export interface App {
  handle(request: IncomingRequest): Promise<Answer>;
}

export interface AppDeps extends Ledgers {
  readonly config: RouterConfig;
  readonly relay: Relay;
  readonly state: State;
  readonly operations: Operations;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly newId: () => string;
  readonly instance: Instance;
  readonly recent: OverviewDeps['recent'];
  readonly prober: Prober;
  readonly dashboard: DashboardFiles;
}

export function createApp(deps: AppDeps): App {
  return new RouterApp(deps);
}

class RouterApp implements App {
  readonly #deps: AppDeps;
  readonly #control: Control;
  readonly #generate: GenerateDoor;
  readonly #views: ConfinedViews;

  constructor(deps: AppDeps) {
    this.#deps = deps;
    this.#control = createControl(deps);
    this.#generate = new GenerateDoor(deps);
    this.#views = new ConfinedViews(deps.config);
  }

  async handle(request: IncomingRequest): Promise<Answer> {
    const id = this.#deps.newId();
    try {
      return await this.#answer(request, id);
    } catch (error) {
      const known = asRouterError(error);
      if (known.code === 'internal' && known.status === 500) this.#deps.journal.fault({ requestId: id, error });
      return errorAnswer(known, id);
    }
  }

  async #answer(request: IncomingRequest, id: string): Promise<Answer> {
    const { config, gate, clock, relay } = this.#deps;
    const arrivedAt = clock.monotonicMs();
    checkHeaders(request.headers, config.limits);
    const question = request.target.indexOf('?');
    const path = question === -1 ? request.target : request.target.slice(0, question);
    const target = readTarget(request.method, path);
    if (target === null) {
      const kind = this.#generate.kindOf(path);
      return kind === null
        ? this.#control.handle(request, path, id)
        : this.#generate.handle(kind, { request, id, arrivedAt });
    }
    const admitted = gate.admitCaller(request.headers, request.source);
    const principal = admitted instanceof Promise ? await admitted : admitted;
    if (target.kind === 'models') return modelsAnswer(this.#views.for(principal.pools), target.id, id);
    const query = question === -1 ? '' : request.target.slice(question + 1);
    const call = await readCall(request, { config, id, arrivedAt, target, query, principal });
    if (request.caller.gone) throw new RouterError('internal', 'The caller left.', { status: 499 });
    return relay.serve(call);
  }
}
