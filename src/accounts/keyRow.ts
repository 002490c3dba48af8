import type { Row, Values } from '../store/port.ts';

/** The form of what this version writes. Rows of a newer form let nobody in, and are left as they are. */
const SCHEMA = 1;

/** Where keys lie: rows by the digest of the whole key. */
export const KEYS = 'keys';
/** Digests are hexadecimal and lie below it. */
export const BEHIND_DIGESTS = 'g';
/** What a new key is to stand for. */
export interface KeyOrder {
  readonly account: string;
  readonly plan: string | null;
  readonly agent: string | null;
  readonly creator: string | null;
  readonly operation: string | null;
  readonly pools: readonly string[] | null;
  readonly expiresAt: number | null;
}

export interface Key extends KeyOrder {
  /** Of its text, which is not known. */
  readonly digest: string;
  readonly id: string;
  readonly createdAt: number;
}

export function toValues(key: Key): Values {
  return {
    schema: SCHEMA,
    keyId: key.id,
    account: key.account,
    plan: key.plan ?? '',
    agent: key.agent ?? '',
    creator: key.creator ?? '',
    operation: key.operation ?? '',
    pools: key.pools === null ? '' : JSON.stringify(key.pools),
    expiresAt: key.expiresAt === null ? '' : new Date(key.expiresAt).toISOString(),
    createdAt: new Date(key.createdAt).toISOString(),
  };
}

/** `null`: somebody else's writing. A key that is read in part might permit more than it should. */
export function fromRow({ row, values }: Pick<Row, 'row' | 'values'>): Key | null {
  const { schema, keyId: id, account } = values;
  if (schema !== SCHEMA || typeof id !== 'string' || typeof account !== 'string') return null;
  if (id === '' || account === '') return null;
  const [plan, agent, creator, operation] = [
    values['plan'],
    values['agent'],
    values['creator'],
    values['operation'],
  ].map(labelIn);
  const pools = poolsIn(values['pools']);
  const expiresAt = instantIn(values['expiresAt']);
  const createdAt = instantIn(values['createdAt']);
  if (plan === undefined || agent === undefined || creator === undefined || operation === undefined) return null;
  if (pools === undefined || expiresAt === undefined || createdAt === undefined || createdAt === null) return null;
  return { digest: row, id, account, plan, agent, creator, operation, pools, expiresAt, createdAt };
}

/** Each of these: `null` where the row says that there is none, `undefined` where it cannot be read. */
function labelIn(value: unknown): string | null | undefined {
  if (typeof value !== 'string') return undefined;
  return value === '' ? null : value;
}

function instantIn(value: unknown): number | null | undefined {
  if (typeof value !== 'string') return undefined;
  const instant = Date.parse(value);
  return value === '' ? null : Number.isNaN(instant) ? undefined : instant;
}

function poolsIn(value: unknown): readonly string[] | null | undefined {
  if (typeof value !== 'string') return undefined;
  if (value === '') return null;
  try {
    const pools: unknown = JSON.parse(value);
    return Array.isArray(pools) && pools.every((pool) => typeof pool === 'string') ? pools : undefined;
  } catch {
    return undefined;
  }
}
