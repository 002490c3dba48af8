import type { Gate } from '../accounts/gate.ts';
import type { Fault } from '../domain/fault.ts';
import type { App } from './app.ts';
import { unconfiguredAnswer, unreadyAnswer } from './control.ts';
import { isDataPath } from './dialect.ts';
import { jsonAnswer } from './errors.ts';
import { timed } from './timed.ts';

export interface UnconfiguredDeps {
  readonly faults: readonly Fault[];
  readonly gate: Gate;
  readonly newId: () => string;
}

/** What runs where the configuration is faulty and the process must live on: a function app that dies tells nobody why. */
export function createUnconfiguredApp({ faults, gate, newId }: UnconfiguredDeps): App {
  return {
    async handle(request) {
      const path = request.target.split('?', 1)[0] ?? '';
      const id = newId();
      // The process lives: a host that took it for dead would start it anew, to no end.
      if (path === '/healthz') return jsonAnswer(200, { status: 'ok' }, ['x-router-request-id', id]);
      if (path === '/readyz') return unreadyAnswer(faults, await gate.isAdmin(request.headers, request.source), id);
      const answer = unconfiguredAnswer(faults.length, id);
      return isDataPath(path) ? timed(answer, 0) : answer;
    },
  };
}
