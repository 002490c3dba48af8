/** What is counted for one set of labels on one day, and how a row of the store carries it. */
import { hash } from 'node:crypto';
import type { RequestRecord, UsageLabels } from '../domain/usage.ts';
import type { Row, Values } from '../store/port.ts';

const COUNTERS = [
  'requests',
  'prompt',
  'cached',
  'completion',
  'reasoning',
  'promptAudio',
  'completionAudio',
  'estimatedRequests',
  'unpricedRequests',
  'failedRequests',
] as const;
type Counter = (typeof COUNTERS)[number];

/** Cost adds up beyond what a double holds exactly. */
export type Sums = Readonly<Record<Counter, number>> & { readonly costNanoUsd: bigint };

const LABELS = ['account', 'agent', 'creator', 'operation', 'model'] as const;

/** Longer labels are cut: 100 rows must fit into a batch whatever callers call themselves. */
const LONGEST_LABEL = 256;

export const NOTHING_USED: Sums = {
  ...(Object.fromEntries(COUNTERS.map((name) => [name, 0])) as Record<Counter, number>),
  costNanoUsd: 0n,
};

/** Written out, as it is done for every request. */
export function addSums(one: Sums, other: Sums): Sums {
  return {
    requests: one.requests + other.requests,
    prompt: one.prompt + other.prompt,
    cached: one.cached + other.cached,
    completion: one.completion + other.completion,
    reasoning: one.reasoning + other.reasoning,
    promptAudio: one.promptAudio + other.promptAudio,
    completionAudio: one.completionAudio + other.completionAudio,
    estimatedRequests: one.estimatedRequests + other.estimatedRequests,
    unpricedRequests: one.unpricedRequests + other.unpricedRequests,
    failedRequests: one.failedRequests + other.failedRequests,
    costNanoUsd: one.costNanoUsd + other.costNanoUsd,
  };
}

export function sumsOf({ tokens, costNanoUsd, estimated, end }: RequestRecord): Sums {
  return {
    requests: 1,
    prompt: whole(tokens.prompt),
    cached: whole(tokens.cached),
    completion: whole(tokens.completion),
    reasoning: whole(tokens.reasoning),
    promptAudio: whole(tokens.promptAudio),
    completionAudio: whole(tokens.completionAudio),
    estimatedRequests: estimated ? 1 : 0,
    unpricedRequests: costNanoUsd === null ? 1 : 0,
    failedRequests: end === 'ok' ? 0 : 1,
    costNanoUsd: BigInt(whole(costNanoUsd ?? 0)),
  };
}

/** What a deployment says it used is not ours to trust: one figure that is none would keep a whole batch from being written. */
function whole(count: number): number {
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

export function cutLabels({ account, agent, creator, operation, model }: UsageLabels): UsageLabels {
  return {
    account: cut(account),
    agent: cut(agent),
    creator: cut(creator),
    operation: cut(operation),
    model: cut(model),
  };
}

function cut(label: string): string {
  return label.length <= LONGEST_LABEL ? label : label.slice(0, LONGEST_LABEL);
}

export function keyOf({ account, agent, creator, operation, model }: UsageLabels): string {
  return JSON.stringify([account, agent, creator, operation, model]);
}

/** The form of what this version writes. Rows of another form are somebody's who knows better: they are left alone. */
const SCHEMA = 1;

export function toValues(labels: UsageLabels, sums: Sums): Values {
  return { schema: SCHEMA, ...labels, ...sums, costNanoUsd: sums.costNanoUsd.toString() };
}

export interface Counted {
  readonly labels: UsageLabels;
  readonly sums: Sums;
}

/** `null`: it cannot be read. */
export function fromValues({ values }: Row): Counted | null {
  const { schema, costNanoUsd } = values;
  const isCost = typeof costNanoUsd === 'string' && /^\d+$/.test(costNanoUsd);
  if (schema !== SCHEMA || !isCost) return null;
  if (LABELS.some((name) => typeof values[name] !== 'string')) return null;
  if (COUNTERS.some((name) => typeof values[name] !== 'number')) return null;
  const labels = Object.fromEntries(LABELS.map((name) => [name, values[name]])) as unknown as UsageLabels;
  const counters = Object.fromEntries(COUNTERS.map((name) => [name, values[name]])) as Record<Counter, number>;
  return { labels, sums: { ...counters, costNanoUsd: BigInt(costNanoUsd) } };
}

/**
 * Rows of the same labels stand together, those of the instances first and the merged one behind them: whoever reads in order and
 * finds no merged row has seen all others as they were before there was one.
 */
export function instanceRow(labelsKey: string, writer: string): string {
  return `${digest(labelsKey)}-${writer}`;
}

export function mergedRow(group: string): string {
  return `${group}=`;
}

const DIGEST = 32;

function digest(labelsKey: string): string {
  return hash('sha256', labelsKey, 'hex').slice(0, DIGEST);
}

/** What rows of the same labels have in common. */
export function groupOf(row: string): string {
  return row.slice(0, DIGEST);
}

export function isMerged(row: string): boolean {
  return row === mergedRow(groupOf(row));
}
