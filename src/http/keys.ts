/** The keys that operators make and revoke: `/router/keys`. */
import type { KeyDesk } from '../accounts/keyDesk.ts';
import type { Key, KeyOrder } from '../accounts/keyRow.ts';
import type { RouterConfig } from '../domain/config.ts';
import { RouterError } from '../domain/errors.ts';
import { closest, nearMiss } from '../domain/nearest.ts';
import type { KeyView } from '../domain/overview.ts';
import { objectIn } from './jsonBody.ts';

export interface KeysFacts {
  readonly config: RouterConfig;
  readonly desk: KeyDesk;
  readonly now: () => number;
}

export async function keyList({ desk, now }: KeysFacts) {
  return { items: (await desk.list()).map((key) => keyView(key, now())) };
}

export async function makeKey({ config, desk, now }: KeysFacts, body: Buffer) {
  const { key, text } = await desk.make(readKeyRequest(config, body, now()));
  return { ...keyView(key, now()), key: text };
}

export async function revokeKey({ desk, now }: KeysFacts, id: string) {
  const key = await desk.revoke(id);
  if (key !== null) return { ...keyView(key, now()), revoked: true };
  const message = `There is no key with the id ${JSON.stringify(id.slice(0, 100))}; GET /router/keys lists those that exist.`;
  throw new RouterError('invalid_request', message, { status: 404, param: 'id' });
}

/** All but the digest. */
export function keyView(key: Key, now: number): KeyView {
  const { id, account, plan, agent, creator, operation, pools, createdAt, expiresAt } = key;
  return {
    id,
    account,
    plan,
    agent,
    creator,
    operation,
    pools,
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    expired: expiresAt !== null && expiresAt <= now,
  };
}

const FIELDS = ['account', 'plan', 'agent', 'creator', 'operation', 'pools', 'expiresAt'] as const;
type Field = (typeof FIELDS)[number];

const LONGEST_LABEL = 128;
const LABEL = `text of 1 to ${LONGEST_LABEL} characters, without control characters and without spaces around it`;
const INSTANT = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/;

/** `{account, plan?, agent?, creator?, operation?, pools?, expiresAt?}`; whatever is wrong with it is told at once. */
export function readKeyRequest(config: RouterConfig, body: Buffer, now: number): KeyOrder {
  const reader = new KeyRequest(objectIn(body, `{${FIELDS.map((name) => quoted(name)).join(', ')}}`));
  const order = {
    account: reader.label('account') ?? reader.missing('account'),
    plan: reader.plan(config),
    agent: reader.label('agent'),
    creator: reader.label('creator'),
    operation: reader.label('operation'),
    pools: reader.pools(config),
    expiresAt: reader.expiresAt(now),
  };
  reader.finish();
  return order;
}

/** A field that is `null` is one that is absent. */
class KeyRequest {
  readonly #json: Readonly<Record<string, unknown>>;
  readonly #faults: { readonly param: string; readonly problem: string }[] = [];

  constructor(json: Readonly<Record<string, unknown>>) {
    this.#json = json;
    for (const name of Object.keys(json)) {
      if ((FIELDS as readonly string[]).includes(name)) continue;
      const meant = nearMiss(name, FIELDS);
      const hint = meant === null ? `Known are ${FIELDS.join(', ')}.` : `Did you mean ${meant}?`;
      this.#fault(name.slice(0, 100), `${quoted(name)} is not a field of a key. ${hint}`);
    }
  }

  label(name: Field): string | null {
    const value = this.#json[name] ?? null;
    if (value === null || isLabel(value)) return value;
    this.#fault(name, `${name} must be ${LABEL}.`);
    return '';
  }

  missing(name: Field): string {
    this.#fault(name, `${name} is missing: ${LABEL}.`);
    return '';
  }

  plan({ plans }: RouterConfig): string | null {
    const plan = this.#json['plan'] ?? null;
    if (plan === null || (typeof plan === 'string' && plans.has(plan))) return plan;
    if (typeof plan === 'string')
      this.#fault('plan', `There is no plan named ${quoted(plan)}. ${existing(plan, plans)}`);
    else this.#fault('plan', `plan must be the name of a plan. ${existing('', plans)}`);
    return null;
  }

  pools({ pools: known }: RouterConfig): readonly string[] | null {
    const pools = this.#json['pools'] ?? null;
    if (pools === null) return null;
    if (!Array.isArray(pools) || pools.length === 0 || !pools.every((pool) => typeof pool === 'string')) {
      this.#fault('pools', `pools must be a list of pools, or absent for all of them. ${existing('', known)}`);
      return null;
    }
    const wanted = new Set<string>(pools);
    for (const pool of wanted) {
      if (!known.has(pool)) this.#fault('pools', `There is no pool named ${quoted(pool)}. ${existing(pool, known)}`);
    }
    return [...wanted];
  }

  expiresAt(now: number): number | null {
    const text = this.#json['expiresAt'] ?? null;
    if (text === null) return null;
    const instant = typeof text === 'string' ? instantIn(text) : null;
    if (instant === null) this.#fault('expiresAt', 'expiresAt must be an instant such as 2027-01-31T00:00:00Z.');
    else if (instant <= now) this.#fault('expiresAt', 'expiresAt must be in the future.');
    return instant;
  }

  finish(): void {
    const first = this.#faults[0];
    if (first === undefined) return;
    const message = this.#faults.map(({ problem }) => problem).join(' ');
    throw new RouterError('invalid_request', message, { param: first.param });
  }

  #fault(param: string, problem: string): void {
    this.#faults.push({ param, problem });
  }
}

function isLabel(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > LONGEST_LABEL) return false;
  return value.trim() === value && value.isWellFormed() && !/[\u0000-\u001f\u007f-\u009f]/.test(value);
}

/** `null`: it is none, such as the 30th of February, which `Date` takes for one in March. */
function instantIn(text: string): number | null {
  const day = INSTANT.exec(text)?.[1];
  const instant = Date.parse(text);
  if (day === undefined || Number.isNaN(instant)) return null;
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day) ? instant : null;
}

function existing(name: string, known: ReadonlyMap<string, unknown>): string {
  if (known.size === 0) return 'The configuration has none.';
  return `These exist: ${closest(name, known.keys()).join(', ')}.`;
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
