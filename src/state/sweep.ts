import type { DeploymentId } from '../domain/deployment.ts';
import { type AgentSheet, type DeploymentSheet, withAgent, withDeployment } from '../fleet/sheets.ts';
import { sweptAgent, sweptDeployment } from '../fleet/sweep.ts';
import { availability } from '../routing/availability.ts';
import { type Change, LARGEST_BATCH, type Row, type Store, StoreError, type Table } from '../store/port.ts';
import { oldestAffinity } from './affinity.ts';
import { oldestEvents } from './chronicle.ts';
import { homeOf } from './operations.ts';
import type { SharedState } from './shared.ts';

export interface SweepFacts {
  readonly state: SharedState;
  readonly store: Store;
  readonly now: () => number;
}

export interface Swept {
  /** False: the store does not answer, and nothing was done. */
  readonly done: boolean;
  readonly expiredRows: number;
}

const PAGE = 1_000;
const LONGEST_CALL_MS = 5_000;
/** What is left over is swept by the next run. */
const MOST_PAGES = 50;

/**
 * What the timer does: stale failure windows are reset, agents whose home is back return, what has expired is removed. Each step is
 * a conditional write or removes what nobody reads any more, so that two runs at once, or one amid traffic, do no harm.
 */
export async function sweep(facts: SweepFacts): Promise<Swept> {
  const { state, now } = facts;
  await state.exchange();
  if (!state.watch.isHealthy) return { done: false, expiredRows: 0 };
  const use = state.watch.aside;
  const asked = use.asking();
  try {
    await state.deploymentSheet.change((sheet) => sweptDeployments(sheet, facts));
    await state.agentSheet.change((sheet) => sweptAgents(sheet, facts));
    await state.chronicle.flush({ failovers: true });
    const responses = await removeBelow(facts, 'affinity', oldestAffinity(now()));
    const events = await removeBelow(facts, 'events', oldestEvents(now()));
    return { done: true, expiredRows: responses + events };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    use.failed(error, asked);
    return { done: false, expiredRows: 0 };
  }
}

function sweptDeployments(sheet: DeploymentSheet, { state, now }: SweepFacts): DeploymentSheet {
  let swept = sheet;
  for (const id of sheet.deployments.keys()) {
    swept = withDeployment(swept, id, (fleet) => sweptDeployment(fleet, now(), state.config.breaker));
  }
  return swept;
}

function sweptAgents(sheet: AgentSheet, { state, now }: SweepFacts): AgentSheet {
  const { agents } = state.config;
  const isBack = (home: DeploymentId | null): boolean => {
    const kind = home === null ? 'ready' : availability(state.health(home), now()).kind;
    return kind === 'ready' || kind === 'ramping';
  };
  let swept = sheet;
  for (const agent of sheet.agents.keys()) {
    const homeIsBack = ({ from }: { readonly from: DeploymentId | null }) =>
      isBack(homeOf(state.config, agent) ?? from);
    swept = withAgent(swept, agent, (record) => sweptAgent(record, { now: now(), agents, homeIsBack }));
  }
  return swept;
}

/** Removes all rows of the partitions below `to`. */
async function removeBelow({ store }: SweepFacts, table: Table, to: string): Promise<number> {
  let removed = 0;
  let after: string | null = null;
  for (let page = 0; page < MOST_PAGES; page++) {
    const found = await store.list({ table, partitions: { to }, limit: PAGE, after }, LONGEST_CALL_MS);
    for (const [partition, rows] of byPartition(found.rows)) {
      for (let at = 0; at < rows.length; at += LARGEST_BATCH) {
        const changes = rows.slice(at, at + LARGEST_BATCH).map(({ row }): Change => ({ kind: 'remove', row }));
        await store.batch(table, partition, changes, LONGEST_CALL_MS);
      }
    }
    removed += found.rows.length;
    after = found.next;
    if (after === null) break;
  }
  return removed;
}

function byPartition(rows: readonly Row[]): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const known = found.get(row.partition);
    if (known === undefined) found.set(row.partition, [row]);
    else known.push(row);
  }
  return found;
}
