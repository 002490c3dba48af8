import { type Answer, headerValue } from '../domain/message.ts';
import { timingText } from '../relay/trail.ts';

/**
 * Every answer of the data plane says how it came about. Where no deployment was asked that is soon said: no attempt, and hence no
 * route; nothing from the cache; all of the time is the router's.
 */
export function timed(answer: Answer, routerMs: number): Answer {
  const said = [
    ['x-router-attempts', '0'],
    ['x-router-cache', 'off'],
    ['server-timing', timingText(routerMs, 0)],
  ] as const;
  const missing = said.filter(([name]) => headerValue(answer.headers, name) === null);
  return missing.length === 0 ? answer : { ...answer, headers: [...answer.headers, ...missing.flat()] };
}
