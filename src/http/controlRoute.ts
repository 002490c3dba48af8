import type { Answer, HeaderList, IncomingRequest } from '../domain/message.ts';
import { jsonAnswer } from './errors.ts';

export interface Visit {
  readonly request: IncomingRequest;
  readonly requestId: string;
  /** What the path's pattern caught. */
  readonly caught: string;
}

export interface ControlRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: RegExp;
  /** Needs no admin key. */
  readonly open: boolean;
  readonly answer: (visit: Visit) => Answer | Promise<Answer>;
}

export function get(path: RegExp, answer: (caught: string) => unknown): ControlRoute {
  return route('GET', path, ({ caught }) => answer(caught));
}

/** A route of JSON for those with the admin key. */
export function route(method: ControlRoute['method'], path: RegExp, answer: (visit: Visit) => unknown): ControlRoute {
  return {
    method,
    path,
    open: false,
    answer: async (visit) => jsonAnswer(200, await answer(visit), withId(visit.requestId)),
  };
}

export function withId(requestId: string): HeaderList {
  return ['x-router-request-id', requestId, 'cache-control', 'no-store'];
}

/** Without `?`; empty where there is none. */
export function queryOf({ request }: Visit): string {
  const question = request.target.indexOf('?');
  return question === -1 ? '' : request.target.slice(question + 1);
}
