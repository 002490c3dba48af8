/** What both hosts run: a request in, an answer out, and never an exception. */
import type { Gate } from '../accounts/gate.ts';
import type { Clock } from '../domain/clock.ts';
import type { RouterConfig } from '../domain/config.ts';
import { asRouterError, RouterError } from '../domain/errors.ts';
import { type Answer, headerValue, type IncomingRequest } from '../domain/message.ts';
import type { Prober } from '../relay/probe.ts';
import type { Relay } from '../relay/relay.ts';
import { ConfinedViews } from '../routing/confined.ts';
import type { Operations, State } from '../state/port.ts';
import type { Journal } from '../telemetry/port.ts';
import { type Control, createControl } from './control.ts';
import { isDataPath, readTarget } from './dialect.ts';
import { errorAnswer } from './errors.ts';
import { type Arrival, GenerateDoor } from './generate.ts';
import type { Ledgers } from './ledgers.ts';
import { checkHeaders } from './limits.ts';
import { modelsAnswer } from './models.ts';
import type { Instance, OverviewDeps } from './overview.ts';
import type { DashboardFiles } from './page.ts';
import { LONGEST_LABEL, readCall } from './read.ts';
import { timed } from './timed.ts';

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
    const { newId, clock } = this.#deps;
    const id = newId();
    const arrivedAt = clock.monotonicMs();
    const question = request.target.indexOf('?');
    const path = question === -1 ? request.target : request.target.slice(0, question);
    try {
      return await this.#answer(path, { request, id, arrivedAt });
    } catch (error) {
      const known = asRouterError(error);
      this.#tell(known, { request, id, arrivedAt });
      return this.#isForCallers(path)
        ? timed(errorAnswer(known, id), clock.monotonicMs() - arrivedAt)
        : errorAnswer(known, id);
    }
  }

  #tell(error: RouterError, { request, id: requestId, arrivedAt }: Arrival): void {
    const { journal, clock } = this.#deps;
    const { code, status, isLogged } = error;
    if (code === 'internal' && status === 500) return journal.fault({ requestId, error: error.cause ?? error });
    // Those who are not let in come in floods, and are told of in sums.
    if (isLogged || code === 'unauthorized' || code === 'forbidden') return;
    const agent = headerValue(request.headers, 'x-agent-name')?.slice(0, LONGEST_LABEL) ?? null;
    journal.requestRefused({ requestId, agent, status, code, durationMs: clock.monotonicMs() - arrivedAt });
  }

  #isForCallers(path: string): boolean {
    return isDataPath(path) || this.#generate.kindOf(path) !== null;
  }

  async #answer(path: string, { request, id, arrivedAt }: Arrival): Promise<Answer> {
    const { config, gate, clock, relay } = this.#deps;
    checkHeaders(request.headers, config.limits);
    const target = readTarget(request.method, path);
    if (target === null) {
      const kind = this.#generate.kindOf(path);
      return kind === null
        ? this.#control.handle(request, path, id)
        : this.#generate.handle(kind, { request, id, arrivedAt });
    }
    const admitted = gate.admitCaller(request.headers, request.source);
    const principal = admitted instanceof Promise ? await admitted : admitted;
    if (target.kind === 'models') {
      const answer = modelsAnswer(this.#views.for(principal.pools), target.id, id);
      return timed(answer, clock.monotonicMs() - arrivedAt);
    }
    const query = request.target.slice(path.length + 1);
    const call = await readCall(request, { config, id, arrivedAt, target, query, principal });
    if (request.caller.gone) throw new RouterError('internal', 'The caller left.', { status: 499 });
    return relay.serve(call);
  }
}
