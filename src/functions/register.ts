/**
 * The function app: one HTTP function that takes every path, as the host matches functions by name and not by route, and a timer,
 * which runs on instances of its own and shares with the others nothing but the store.
 */
import { app, type HttpHandler } from '@azure/functions';
import type { Clock } from '../domain/clock.ts';
import { RouterError } from '../domain/errors.ts';
import type { App } from '../http/app.ts';
import { errorAnswer } from '../http/errors.ts';
import { HostCallers } from './callers.ts';
import { fromHttpRequest, toHttpResponse } from './message.ts';

/** HEAD and OPTIONS reach a function only where they are listed. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const;

export interface FunctionsOptions {
  readonly router: App;
  readonly clock: Clock;
  readonly resetFailureWindows: () => Promise<void>;
  /** Flushes what is under way; the host waits a few seconds for it. */
  readonly close: () => Promise<void>;
}

/** Every minute. A run that was missed is not made up for: the next one does the same. */
const EVERY_MINUTE = '0 * * * * *';

export function registerFunctions({ router, clock, resetFailureWindows, close }: FunctionsOptions): void {
  const callers = new HostCallers();
  // Without streams, chunked bodies arrive empty and answers leave only when they are complete.
  app.setup({ enableHttpStream: true });
  app.http('router', {
    route: '{*path}',
    methods: [...METHODS],
    authLevel: 'anonymous',
    handler: httpHandler(router, clock, callers),
  });
  app.timer('resetFailureWindows', { schedule: EVERY_MINUTE, useMonitor: false, handler: () => resetFailureWindows() });
  app.hook.appTerminate(async () => {
    await callers.dismiss(clock);
    await close();
  });
}

/** A handler that throws leaves its caller without an answer until the front end gives up: this one cannot. */
export function httpHandler(router: App, clock: Clock, callers = new HostCallers()): HttpHandler {
  return async (request) => {
    const leave = callers.welcome();
    try {
      return toHttpResponse(await router.handle(fromHttpRequest(request, clock, callers)), leave);
    } catch (cause) {
      return toHttpResponse(errorAnswer(new RouterError('internal', 'The router failed.', { cause }), '-'), leave);
    }
  };
}
