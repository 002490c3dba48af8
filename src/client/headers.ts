import type { Tier } from '../domain/config.ts';

/** What a request may ask of the router: docs/http.md, "Request headers". What is absent the key and the configuration decide. */
export interface RouterOptions {
  /** Who calls: the agent's stable name. */
  readonly agent?: string | undefined;
  /** Labels that usage is summed by. */
  readonly creator?: string | undefined;
  readonly operation?: string | undefined;
  readonly tier?: Tier | undefined;
  /** `off`: only the current deployment is tried, and its answer comes as it is. */
  readonly failover?: 'on' | 'off' | undefined;
  /** What a stream does when its deployment breaks in the middle: end with an error, or begin again, marked (`restartIn`). */
  readonly onBreak?: 'error' | 'restart' | undefined;
  readonly cache?: 'on' | 'off' | 'refresh' | undefined;
  /** For the whole request, failover included; at most what the router is configured to. */
  readonly deadlineMs?: number | undefined;
}

const HEADERS = {
  agent: 'x-agent-name',
  creator: 'x-creator',
  operation: 'x-operation',
  tier: 'x-router-tier',
  failover: 'x-router-failover',
  onBreak: 'x-router-on-break',
  cache: 'x-router-cache',
  deadlineMs: 'x-router-deadline-ms',
} as const satisfies Record<keyof RouterOptions, string>;

export const ROUTER_OPTIONS = Object.keys(HEADERS) as readonly (keyof RouterOptions)[];

/** For a single call, of this client or any other: `create(params, { headers: routerHeaders({ tier: 'premium' }) })`. */
export function routerHeaders(options: RouterOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of ROUTER_OPTIONS) {
    const value = options[name];
    if (value !== undefined) headers[HEADERS[name]] = String(value);
  }
  return headers;
}
