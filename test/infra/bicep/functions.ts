/** The functions of Bicep that infra/ calls. What a hash comes to here is not what Azure would make of it; that it differs by its arguments is. */
import { createHash } from 'node:crypto';
import { isRecord, Made, toPlain, toText, type Value } from './values.ts';

export type Scope =
  | { readonly kind: 'subscription'; readonly subscriptionId: string }
  | { readonly kind: 'resourceGroup'; readonly subscriptionId: string; readonly name: string };

export interface Surroundings {
  readonly scope: Scope;
  readonly load: (path: string) => string;
}

type Call = (args: readonly Value[], around: Surroundings) => Value;

export function scopeId(scope: Scope): string {
  const subscription = `/subscriptions/${scope.subscriptionId}`;
  return scope.kind === 'subscription' ? subscription : `${subscription}/resourceGroups/${scope.name}`;
}

export const FUNCTIONS: Readonly<Record<string, Call>> = {
  concat: (args) => (args.every(Array.isArray) ? args.flat(1) : args.map(toText).join('')),
  contains: ([of, what]) =>
    Array.isArray(of)
      ? of.includes(what ?? null)
      : isRecord(of ?? null)
        ? toText(what ?? null) in record(of)
        : text(of).includes(text(what)),
  empty: ([of = null]) =>
    of === null || of === '' || (Array.isArray(of) ? of.length === 0 : isRecord(of) && Object.keys(of).length === 0),
  environment: () => ({
    name: 'AzureCloud',
    suffixes: { storage: 'core.windows.net', keyvaultDns: '.vault.azure.net' },
  }),
  filter: ([items, test]) => list(items).filter((item, at) => applied(test, item, at) === true),
  flatten: ([items]) => list(items).flatMap((item) => list(item)),
  guid: (args) => hash(args).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5'),
  items: ([of]) =>
    Object.entries(record(of))
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, value]) => ({ key, value })),
  length: ([of]) => (typeof of === 'string' ? of.length : list(of).length),
  loadTextContent: ([path], { load }) => load(text(path)),
  map: ([items, change]) => list(items).map((item, at) => applied(change, item, at)),
  mapValues: ([of, change]) =>
    Object.fromEntries(Object.entries(record(of)).map(([key, value]) => [key, applied(change, value)])),
  range: ([from, count]) => Array.from({ length: Number(count) }, (_, at) => Number(from) + at),
  resourceGroup: (args, { scope }) => resourceGroup(args, scope),
  string: ([of = null]) => (typeof of === 'string' ? of : JSON.stringify(toPlain(of))),
  subscription: (_, { scope: { subscriptionId } }) => ({ id: `/subscriptions/${subscriptionId}`, subscriptionId }),
  subscriptionResourceId: ([type, name], { scope }) =>
    `/subscriptions/${scope.subscriptionId}/providers/${text(type)}/${text(name)}`,
  cidrSubnet: ([range, size, at]) => cidrSubnet(text(range), Number(size), Number(at)),
  tenant: () => ({ tenantId: '00000000-0000-0000-0000-00000000000t' }),
  toObject: ([items, key, value]) =>
    Object.fromEntries(
      list(items).map((item) => [text(applied(key, item)), value === undefined ? item : applied(value, item)]),
    ),
  union: (args) => args.reduce(united),
  uniqueString: (args) =>
    BigInt(`0x${hash(args)}`)
      .toString(36)
      .slice(0, 13),
};

function united(left: Value, right: Value): Value {
  if (Array.isArray(left)) return [...left, ...list(right)].filter((one, at, all) => all.indexOf(one) === at);
  const both: Record<string, Value> = { ...record(left) };
  for (const [key, value] of Object.entries(record(right))) {
    const known = both[key] ?? null;
    both[key] = isRecord(known) && isRecord(value) ? united(known, value) : value;
  }
  return both;
}

function resourceGroup(args: readonly Value[], scope: Scope): Value {
  if (args.length > 0) {
    const [subscriptionId, name] = args.length === 1 ? [scope.subscriptionId, args[0]] : args;
    const id = `/subscriptions/${text(subscriptionId)}/resourceGroups/${text(name)}`;
    return new Made({ id, name: text(name), type: 'Microsoft.Resources/resourceGroups', symbol: 'resourceGroup()' });
  }
  if (scope.kind !== 'resourceGroup') throw new Error('there is no resource group here');
  return { id: scopeId(scope), name: scope.name };
}

function cidrSubnet(range: string, size: number, at: number): string {
  const [address = ''] = range.split('/');
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) + at * 2 ** (32 - size);
  return `${[24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join('.')}/${size}`;
}

function hash(args: readonly Value[]): string {
  return createHash('sha256')
    .update(JSON.stringify(args.map(toText)))
    .digest('hex');
}

function applied(lambda: Value | undefined, ...args: Value[]): Value {
  if (typeof lambda !== 'function') throw new Error('a lambda is expected');
  return lambda(...args);
}

function list(value: Value | undefined): Value[] {
  if (!Array.isArray(value)) throw new Error('a list is expected');
  return value;
}

function record(value: Value | undefined): { [key: string]: Value } {
  if (value === undefined || !isRecord(value)) throw new Error('an object is expected');
  return value;
}

function text(value: Value | undefined): string {
  if (value === undefined) throw new Error('a text is expected');
  return toText(value);
}
