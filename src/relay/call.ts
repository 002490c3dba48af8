/** A request as the relay takes it: read, checked, and freed from the dialect it came in. */
import type { Principal } from '../domain/account.ts';
import type { Tier } from '../domain/config.ts';
import type { Caller, HeaderList } from '../domain/message.ts';
import type { Target } from '../domain/target.ts';
import type { Payload } from '../upstream/dialect.ts';

export interface Labels {
  readonly agent: string;
  readonly creator: string;
  readonly operation: string;
}

export interface Wishes {
  readonly tier: Tier | null;
  readonly failover: boolean;
  readonly onBreak: 'error' | 'restart';
  /** `null`: as the pool has it. */
  readonly cache: 'on' | 'off' | 'refresh' | null;
  /** The total deadline the caller asked for, already at most the configured one. */
  readonly deadlineMs: number;
}

export interface Call {
  readonly id: string;
  /** On the monotonic clock: when the request arrived. */
  readonly arrivedAt: number;
  readonly method: string;
  readonly target: Target;
  /** Without `?`; empty where there is none. */
  readonly query: string;
  readonly headers: HeaderList;
  readonly payload: Payload;
  /** What the caller named: a pool, a tier, a deployment, `auto`; `null` where the target names none. */
  readonly name: string | null;
  readonly stream: boolean;
  readonly labels: Labels;
  readonly principal: Principal;
  readonly wishes: Wishes;
  readonly caller: Caller;
  /** What the response cache had of it; absent: it was not asked. */
  readonly cache?: 'hit' | 'miss';
}
