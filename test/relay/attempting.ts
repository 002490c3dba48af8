/** Attempts over a fleet of one deployment an endpoint, A to E, and what comes of them while time goes on. */
import { RouterError } from '../../src/domain/errors.ts';
import type { Served } from '../../src/relay/attempts.ts';
import { UpstreamError } from '../../src/upstream/port.ts';
import { configOf, fleet } from '../harness/router.ts';
import { type Script, type Stage, status } from './fakes.ts';

export const URLS = [
  'https://a.openai.azure.com',
  'https://b.openai.azure.com',
  'https://c.openai.azure.com',
  'https://d.openai.azure.com',
  'https://e.openai.azure.com',
];

export function configWith(count: number, extra: object = {}) {
  return configOf(fleet(URLS.slice(0, count), extra));
}

export const reset: Script = (sent) => sent.listener.onError(new UpstreamError('reset', 'connection lost'));
export const THROTTLED = status(429, { 'retry-after-ms': '60000' });

/** Runs the attempts while time goes on, and tells what came of them and when. */
export async function outcome(stage: Stage, run = stage.attempts()) {
  const startedAt = stage.clock.monotonicMs();
  const result: { served: Served | null; error: RouterError | null; afterMs: number | null } = {
    served: null,
    error: null,
    afterMs: null,
  };
  run.run().then(
    (served) => {
      result.served = served;
      result.afterMs = stage.clock.monotonicMs() - startedAt;
    },
    (error: unknown) => {
      if (!(error instanceof RouterError)) throw error;
      result.error = error;
      result.afterMs = stage.clock.monotonicMs() - startedAt;
    },
  );
  for (let round = 0; round < 2_000 && result.afterMs === null; round++) await stage.clock.pass(200);
  return {
    ...result,
    trail: run.trail.map(({ deployment, outcome: one }) => `${deployment[0] ?? ''}:${one}`).join(' '),
  };
}

export function sentTo(stage: Stage): string {
  return stage.upstream.sent.map(({ endpoint }) => endpoint).join('');
}
