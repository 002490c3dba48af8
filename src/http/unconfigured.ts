import type { Fault } from '../domain/fault.ts';
import type { App } from './app.ts';
import type { Gate } from './auth.ts';
import { unconfiguredAnswer, unreadyAnswer } from './control.ts';

export interface UnconfiguredDeps {
  readonly faults: readonly Fault[];
  readonly gate: Gate;
  readonly newId: () => string;
}

/** What runs where the configuration is faulty and the process must live on: a function app that dies tells nobody why. */
export function createUnconfiguredApp({ faults, gate, newId }: UnconfiguredDeps): App {
  return {
    handle(request) {
      const path = request.target.split('?', 1)[0];
      const id = newId();
      if (path === '/readyz') return Promise.resolve(unreadyAnswer(faults, gate.isAdmin(request.headers), id));
      return Promise.resolve(unconfiguredAnswer(faults.length, id));
    },
  };
}
