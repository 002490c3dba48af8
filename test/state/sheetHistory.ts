/** What the sheet of the deployments says, write after write, against the rules of docs/state.md for breakers and their probes. */
import type { DeploymentId } from '../../src/domain/deployment.ts';
import { type FleetBreaker, UNTROUBLED } from '../../src/fleet/deployments.ts';
import { type DeploymentSheet, decodeDeployments, EMPTY_DEPLOYMENTS } from '../../src/fleet/sheets.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { RowKey, Values, Written } from '../../src/store/port.ts';

export const SHEET = { table: 'deployments', partition: 'fleet', row: 'sheet' } as const;

/** "The claim has a lease (`openMs`, 2 to 10 s)": windows are longer here. */
const LEASE_MS = 10_000;

/** What the holder of a probe has said of it, or an operator of a deployment. */
export interface Word {
  readonly deployment: DeploymentId;
  readonly by: string;
  /** `perhapsRestored`: it was asked for, and whether and when it came to pass is not known. */
  readonly kind: 'answered' | 'failed' | 'dropped' | 'restored' | 'perhapsRestored';
  readonly at: number;
}

/** A store that takes note of the sheet, and of what no instance may make of it. */
export class SheetHistory extends MemoryStore {
  readonly #now: () => number;
  readonly words: Word[] = [];
  readonly faults: string[] = [];
  /** Of each deployment the claims that stood on the sheet, in order. */
  readonly claims = new Map<DeploymentId, { readonly id: string; readonly at: number }[]>();
  /** When the breaker was last closed on the sheet. */
  readonly closedAt = new Map<DeploymentId, number>();
  /** When the breaker last ceased to be closed on the sheet. */
  readonly #openedAt = new Map<DeploymentId, number>();
  #sheet: DeploymentSheet = EMPTY_DEPLOYMENTS;
  #isTorn = false;

  constructor(now: () => number) {
    super();
    this.#now = now;
  }

  breakerOf(deployment: DeploymentId): FleetBreaker {
    return (this.#sheet.deployments.get(deployment) ?? UNTROUBLED).breaker;
  }

  /** Whether the breaker has been closed on the sheet at any time since then. */
  wasClosed(deployment: DeploymentId, since: number): boolean {
    return this.breakerOf(deployment).kind === 'closed' || (this.#openedAt.get(deployment) ?? 0) >= since;
  }

  /**
   * Somebody has emptied or spoilt the row. "An instance that knows nothing writes first: the others see that the row is another one,
   * and write back what is missing in it; the newer row is right where both know of the same": until all have read it, what
   * stands on the sheet may be older than what stood there.
   */
  tear(): void {
    this.#isTorn = true;
  }

  mend(): void {
    this.#isTorn = false;
  }

  override async insert(key: RowKey, values: Values): Promise<Written> {
    return this.#noted(key, values, await super.insert(key, values));
  }

  override async replace(key: RowKey, values: Values, etag: string): Promise<Written> {
    return this.#noted(key, values, await super.replace(key, values, etag));
  }

  #noted({ table }: RowKey, { content }: Values, written: Written): Written {
    if (written.kind === 'conflict' || table !== 'deployments') return written;
    const before = this.#sheet;
    this.#sheet = decodeDeployments(String(content)) ?? EMPTY_DEPLOYMENTS;
    for (const id of new Set([...before.deployments.keys(), ...this.#sheet.deployments.keys()])) {
      this.#compare(id, (before.deployments.get(id) ?? UNTROUBLED).breaker, this.breakerOf(id));
    }
    return written;
  }

  #compare(id: DeploymentId, before: FleetBreaker, after: FleetBreaker): void {
    const now = this.#now();
    if (!this.#isTorn && after.kind === 'closed' && before.kind !== 'closed') this.closedAt.set(id, after.since);
    if (after.kind !== 'closed' && before.kind === 'closed') this.#openedAt.set(id, now);
    if (after.kind === 'halfOpen') this.#claimed(id, before, after, now);
    if (this.#isTorn || before.kind === 'closed') return;
    if (after.kind === 'closed' && !this.#hasWord(id, before, ['answered']))
      this.faults.push(`${id} was closed on the sheet, and no probe of the right claim was answered`);
    if (after.kind !== 'open') return;
    const isSame = before.kind === 'open' && after.openings === before.openings;
    if (isSame && after.openUntil < before.openUntil)
      this.faults.push(`the window of ${id} on the sheet ends at ${after.openUntil}, and did at ${before.openUntil}`);
    if (!isSame && !this.#hasWord(id, before, after.openings > before.openings ? ['failed'] : ['dropped', 'answered']))
      this.faults.push(`${id} was opened on the sheet, and no probe of the right claim said so`);
  }

  #claimed(id: DeploymentId, before: FleetBreaker, after: FleetBreaker & { kind: 'halfOpen' }, now: number): void {
    const claims = this.claims.get(id) ?? [];
    this.claims.set(id, claims);
    if (claims.at(-1)?.id === after.claim) return;
    if (!this.#isTorn && claims.some((claim) => claim.id === after.claim))
      this.faults.push(`the claim ${after.claim} of ${id} is back, and had been followed by ${claims.at(-1)?.id}`);
    const isLive = before.kind === 'halfOpen' && before.leaseUntil > now;
    if (!this.#isTorn && isLive && !this.#hasWord(id, before, ['answered', 'failed', 'dropped']))
      this.faults.push(`${id} has the claim ${after.claim}, and ${before.claim} is live until ${before.leaseUntil}`);
    // Its write may have been under way while the probe failed.
    claims.push({ id: after.claim, at: after.leaseUntil - LEASE_MS });
  }

  /** "Only the outcome that bears the claim counts"; but of a probe made while the store was down: "where the lease of a claim was over by then, it counts too". */
  #hasWord(id: DeploymentId, before: FleetBreaker, kinds: readonly Word['kind'][]): boolean {
    const { claim, leaseUntil } = before.kind === 'halfOpen' ? before : { claim: null, leaseUntil: 0 };
    const claimedAt = this.claims.get(id)?.findLast((one) => one.id === claim)?.at ?? 0;
    return this.words.some(
      (word) =>
        word.deployment === id &&
        (isRestoring(word) ||
          (kinds.includes(word.kind) &&
            (claim === null || word.at >= leaseUntil || (claim.startsWith(`${word.by}-`) && word.at >= claimedAt)))),
    );
  }
}

export function isRestoring({ kind }: Word): boolean {
  return kind === 'restored' || kind === 'perhapsRestored';
}
