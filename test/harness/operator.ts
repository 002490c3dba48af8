/** Those who run a router: what they ask of its control plane, and how their answers look. */
import type { UsageReport, UsageRow } from '../../src/usage/port.ts';
import { ask, type RawAnswer, type RawCall } from './raw.ts';

export const ADMIN_KEY = 'the-admin-key-of-the-tests';

export interface KeyOrder {
  readonly account: string;
  readonly plan?: string;
  readonly agent?: string;
  readonly creator?: string;
  readonly operation?: string;
  readonly pools?: readonly string[];
  readonly expiresAt?: string;
}

export interface MadeKey {
  readonly id: string;
  readonly key: string;
  readonly [field: string]: unknown;
}

export interface Standing {
  readonly account: string;
  readonly quota: string;
  readonly limit: number;
  readonly used: number;
  readonly reserved: number;
  readonly remaining: number;
  readonly resetsAt: string;
}

export interface OpenAIError {
  readonly message: string;
  readonly type: string;
  readonly code: string;
  readonly param: string | null;
}

export interface Operator {
  /** With the admin key; whatever the answer. */
  ask(call: RawCall): Promise<RawAnswer>;
  /** The same, and the answer is to be 200; its body. */
  control<T>(call: RawCall): Promise<T>;
  makeKey(order: KeyOrder): Promise<MadeKey>;
  revoke(id: string): Promise<void>;
  usage(query?: string): Promise<UsageReport>;
  quotas(): Promise<readonly Standing[]>;
}

export function operatorOf(url: string, adminKey: string | null = ADMIN_KEY): Operator {
  const credential: RawCall['headers'] = adminKey === null ? [] : [['api-key', adminKey]];
  const send = ({ headers = [], ...call }: RawCall): Promise<RawAnswer> =>
    ask(url, { ...call, headers: [...credential, ...headers] });
  const control = async <T>(call: RawCall): Promise<T> => {
    const { status, text } = await send(call);
    if (status !== 200) throw new Error(`${call.method ?? 'GET'} ${call.path}: ${status} ${text}`);
    return JSON.parse(text) as T;
  };
  return {
    ask: send,
    control,
    makeKey: (order) => control({ path: '/router/keys', body: order }),
    revoke: async (id) => void (await control({ method: 'DELETE', path: `/router/keys/${id}` })),
    usage: (query = '') => control({ path: `/router/usage${query === '' ? '' : `?${query}`}` }),
    quotas: async () => (await control<{ items: readonly Standing[] }>({ path: '/router/quotas' })).items,
  };
}

export function errorIn({ text }: Pick<RawAnswer, 'text'>): OpenAIError {
  return (JSON.parse(text) as { error: OpenAIError }).error;
}

/** The rows by one label: what a test looks up by name. */
export function byLabel(rows: readonly UsageRow[], label: keyof UsageRow): ReadonlyMap<string, UsageRow> {
  return new Map(rows.map((row) => [String(row[label]), row]));
}
