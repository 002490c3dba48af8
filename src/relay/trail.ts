import type { DeploymentId } from '../domain/deployment.ts';
import type { Outcome } from '../domain/outcome.ts';

export interface Step {
  readonly deployment: DeploymentId;
  readonly outcome: Outcome;
  readonly cause: string;
  /** False where nothing follows from it: the caller left, or was in too much of a hurry. */
  readonly taught: boolean;
}

/** The attempts of one request, in order. */
export type Trail = Step[];

/** `A/gpt-4.1:throttled,B/gpt-4.1:ok`. Names are the owner's own; what a header cannot carry is percent-encoded. */
export function routeText(trail: Trail): string {
  return trail.map(({ deployment, outcome }) => `${headerSafe(deployment)}:${outcome}`).join(',');
}

/** What the trail says in an error's headers; nothing where nobody was tried. */
export function trailHeaders(trail: Trail): string[] {
  return trail.length === 0 ? [] : ['x-router-attempts', String(trail.length), 'x-router-route', routeText(trail)];
}

/** `server-timing`: ours, and the last attempt up to its commit or end. */
export function timingText(routerMs: number, upstreamMs: number): string {
  return `router;dur=${Math.max(0, routerMs).toFixed(2)}, upstream;dur=${upstreamMs.toFixed(2)}`;
}

export function headerSafe(text: string): string {
  return /^[\x21-\x7e]*$/.test(text) ? text : encodeURIComponent(text).replaceAll('%2F', '/');
}
