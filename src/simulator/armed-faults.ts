/** The faults that wait for calls, and which of them a call meets. */
import type { Clock, Draw } from '../domain/clock.ts';
import { type Fault, type FaultScope, parseFault } from './faults.ts';

export interface FaultRequest {
  /** As a request marker says it: `stall;chunks=2`. */
  readonly fault: string;
  readonly endpoint?: string;
  readonly deployment?: string;
  readonly operations?: readonly string[];
  /** How many calls meet it; unlimited where absent. */
  readonly count?: number;
  /** The share of the matching calls that meet it. */
  readonly percent?: number;
  readonly forMs?: number;
}

export interface ArmedFault {
  readonly id: number;
  readonly spec: string;
  readonly scope: FaultScope;
  readonly operations: readonly string[] | null;
  readonly remaining: number | null;
  /** `null`: until it is taken back. */
  readonly until: number | null;
  readonly met: number;
}

export interface FaultTarget {
  readonly endpoint: string;
  readonly deployment: string | null;
  readonly operation: string;
}

export interface FaultControl {
  readonly add: (request: FaultRequest | string) => number;
  readonly list: () => readonly ArmedFault[];
  /** All of them, or the one with this id; says how many went. */
  readonly clear: (id?: number) => number;
}

export interface ArmedFaults extends FaultControl {
  /** The fault that this call meets, if any; counts it as met. */
  readonly meet: (target: FaultTarget, marker: string | null) => Fault | null;
}

export function createArmedFaults(clock: Clock, draw: Draw): ArmedFaults {
  let armed: { fault: Fault; rule: ArmedFault }[] = [];
  let nextId = 1;

  const drop = (keep: (rule: ArmedFault) => boolean) => {
    const before = armed.length;
    armed = armed.filter(({ rule }) => keep(rule));
    return before - armed.length;
  };
  const dropSpent = () => drop((rule) => rule.remaining !== 0 && (rule.until === null || rule.until > clock.now()));

  return {
    add(request) {
      const asked: FaultRequest = typeof request === 'string' ? { fault: request } : request;
      const { fault, scope } = parseFault(asked.fault);
      const id = nextId++;
      armed.push({ fault, rule: toRule(id, asked, scope, clock.now()) });
      return id;
    },
    list() {
      dropSpent();
      return armed.map(({ rule }) => rule);
    },
    clear: (id) => drop((rule) => id !== undefined && rule.id !== id),
    meet(target, marker) {
      const marked = marker === null ? null : parseFault(marker);
      if (marked && inScope(marked.scope, target) && hits(marked.scope, draw)) return marked.fault;
      if (armed.length === 0) return null;
      dropSpent();
      for (const entry of armed) {
        const { rule } = entry;
        if (
          !inScope(rule.scope, target) ||
          rule.operations?.includes(target.operation) === false ||
          !hits(rule.scope, draw)
        )
          continue;
        entry.rule = { ...rule, met: rule.met + 1, remaining: rule.remaining === null ? null : rule.remaining - 1 };
        return entry.fault;
      }
      return null;
    },
  };
}

function toRule(id: number, asked: FaultRequest, scope: FaultScope, now: number): ArmedFault {
  return {
    id,
    spec: asked.fault,
    scope: {
      endpoint: asked.endpoint ?? scope.endpoint,
      deployment: asked.deployment ?? scope.deployment,
      percent: asked.percent ?? scope.percent,
    },
    operations: asked.operations ?? null,
    remaining: asked.count ?? null,
    until: asked.forMs === undefined ? null : now + asked.forMs,
    met: 0,
  };
}

function inScope(scope: FaultScope, target: FaultTarget): boolean {
  return (
    (scope.endpoint === null || scope.endpoint === target.endpoint) &&
    (scope.deployment === null || scope.deployment === target.deployment)
  );
}

function hits(scope: FaultScope, draw: Draw): boolean {
  return scope.percent >= 100 || draw() * 100 < scope.percent;
}
