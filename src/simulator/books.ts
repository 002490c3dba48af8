/** What the simulator did: sums by endpoint, deployment and operation, and the last calls byte for byte. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Outcome } from '../domain/outcome.ts';
import type { Usage } from './answer.ts';

export interface BookRow extends Usage {
  readonly endpoint: string;
  /** Empty where the call names none. */
  readonly deployment: string;
  readonly operation: string;
  readonly calls: number;
  readonly streams: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** Status -> calls; `0` is an answer that never began. */
  readonly statuses: Readonly<Record<string, number>>;
}

export interface Books {
  readonly rows: readonly BookRow[];
  readonly total: Usage & { readonly calls: number };
}

export interface CallRecord extends Usage {
  readonly id: string;
  readonly endpoint: string;
  readonly deployment: string;
  readonly operation: string;
  readonly at: number;
  readonly status: number;
  readonly outcome: Outcome;
  readonly stream: boolean;
}

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Kept {
  readonly received: Received;
  readonly sent: Uint8Array[];
  bytes: number;
}

export interface Ledger {
  readonly enter: (record: CallRecord) => void;
  readonly books: () => Books;
  readonly reset: () => void;
  readonly calls: () => readonly CallRecord[];
  /** Starts keeping a call; the answer takes its body's bytes as they are sent. */
  readonly keep: (id: string, received: Received) => (bytes: Uint8Array) => void;
  readonly sent: (id: string) => Buffer | null;
  readonly received: (id: string) => Received | null;
}

const forgetAtOnce = (): void => undefined;

const KEPT_BYTES = 64 * 1024 * 1024;

export function createLedger(keepCalls: number): Ledger {
  const rows = new Map<string, BookRow>();
  const kept = new Map<string, Kept>();
  let calls: CallRecord[] = [];
  let keptBytes = 0;

  const forgetOldest = () => {
    for (const [id, { bytes }] of kept) {
      if (kept.size <= keepCalls && keptBytes <= KEPT_BYTES) return;
      kept.delete(id);
      keptBytes -= bytes;
    }
  };

  return {
    enter(record) {
      const key = JSON.stringify([record.endpoint, record.deployment, record.operation]);
      rows.set(key, addTo(rows.get(key), record));
      if (keepCalls === 0) return;
      calls.push(record);
      if (calls.length > keepCalls * 2) calls = calls.slice(-keepCalls);
    },
    books: () => ({ rows: [...rows.values()], total: totalOf([...rows.values()]) }),
    reset() {
      rows.clear();
      calls = [];
    },
    calls: () => (keepCalls === 0 ? [] : calls.slice(-keepCalls)),
    keep(id, received) {
      if (keepCalls === 0) return forgetAtOnce;
      const entry: Kept = { received, sent: [], bytes: received.body.length };
      kept.set(id, entry);
      keptBytes += entry.bytes;
      forgetOldest();
      return (bytes) => {
        entry.sent.push(bytes);
        if (!kept.has(id)) return;
        entry.bytes += bytes.length;
        keptBytes += bytes.length;
      };
    },
    sent(id) {
      const entry = kept.get(id);
      return entry ? Buffer.concat(entry.sent) : null;
    },
    received: (id) => kept.get(id)?.received ?? null,
  };
}

function addTo(row: BookRow | undefined, record: CallRecord): BookRow {
  const { endpoint, deployment, operation, outcome, status } = record;
  return {
    endpoint,
    deployment,
    operation,
    calls: (row?.calls ?? 0) + 1,
    streams: (row?.streams ?? 0) + (record.stream ? 1 : 0),
    outcomes: { ...row?.outcomes, [outcome]: (row?.outcomes[outcome] ?? 0) + 1 },
    statuses: { ...row?.statuses, [status]: (row?.statuses[status] ?? 0) + 1 },
    promptTokens: (row?.promptTokens ?? 0) + record.promptTokens,
    cachedTokens: (row?.cachedTokens ?? 0) + record.cachedTokens,
    completionTokens: (row?.completionTokens ?? 0) + record.completionTokens,
    reasoningTokens: (row?.reasoningTokens ?? 0) + record.reasoningTokens,
  };
}

function totalOf(rows: readonly BookRow[]): Books['total'] {
  const sum = (read: (row: BookRow) => number) => rows.reduce((total, row) => total + read(row), 0);
  return {
    calls: sum((row) => row.calls),
    promptTokens: sum((row) => row.promptTokens),
    cachedTokens: sum((row) => row.cachedTokens),
    completionTokens: sum((row) => row.completionTokens),
    reasoningTokens: sum((row) => row.reasoningTokens),
  };
}
