/** Expressions become values. Names are looked up where they stand; what has no name there is a fault. */
import { FUNCTIONS, type Surroundings } from './functions.ts';
import { BicepFault } from './tokens.ts';
import type { Expression } from './tree.ts';
import { isRecord, Made, Outputs, Runtime, toText, type Value } from './values.ts';

export interface Names extends Surroundings {
  /** `undefined`: nothing is called so. */
  readonly find: (name: string) => Value | undefined;
}

export function compute(of: Expression, names: Names): Value {
  switch (of.kind) {
    case 'literal':
      return of.value;
    case 'text':
      return of.parts.map((part) => (typeof part === 'string' ? part : toText(compute(part, names)))).join('');
    case 'name': {
      const value = names.find(of.name);
      if (value === undefined) throw new BicepFault(`nothing is called “${of.name}”`, of);
      return value;
    }
    case 'member':
      return member(compute(of.of, names), of.name, of);
    case 'index':
      return member(compute(of.of, names), compute(of.by, names), { ...of, safe: false });
    case 'call':
      return called(of, names);
    case 'list':
      return of.items.map((item) => compute(item, names));
    case 'object':
      return Object.fromEntries(
        of.fields.map(({ key, value }) => [toText(compute(key, names)), compute(value, names)]),
      );
    case 'choice':
      return compute(compute(of.when, names) === true ? of.then : of.otherwise, names);
    case 'unary':
      return of.sign === '!' ? compute(of.of, names) !== true : -Number(compute(of.of, names));
    case 'binary':
      return binary(of, names);
    case 'lambda':
      return (...args) => compute(of.body, within(names, of.params, args));
    case 'for':
      return looped(of, names).map(({ body, names: inner }) => compute(body, inner));
    case 'if':
      throw new BicepFault('a condition stands before a resource or a module alone', of);
    default:
      return of satisfies never;
  }
}

export interface Turn {
  readonly body: Expression;
  readonly names: Names;
  readonly at: number | null;
}

/** A declaration, once for each turn of its loop and not at all where its condition does not hold. */
export function turnsOf(of: Expression, names: Names, at: number | null = null): Turn[] {
  if (of.kind === 'for') return looped(of, names).flatMap(({ body, names: inner }, turn) => turnsOf(body, inner, turn));
  if (of.kind === 'if') return compute(of.when, names) === true ? turnsOf(of.body, names, at) : [];
  return [{ body: of, names, at }];
}

function looped(of: Expression & { kind: 'for' }, names: Names) {
  const items = compute(of.over, names);
  if (!Array.isArray(items)) throw new BicepFault('a loop goes over a list', of);
  return items.map((item, at) => ({
    body: of.body,
    names: within(names, of.index === null ? [of.item] : [of.item, of.index], [item, at]),
  }));
}

function within(names: Names, params: readonly string[], args: readonly Value[]): Names {
  const own = new Map(params.map((name, at) => [name, args[at] ?? null]));
  return { ...names, find: (name) => (own.has(name) ? own.get(name) : names.find(name)) };
}

function member(of: Value, by: Value, at: Expression & { safe: boolean }): Value {
  const name = toText(by);
  if (of instanceof Runtime) return new Runtime(`${of.path}.${name}`);
  if (of instanceof Made) return of.member(name);
  if (of instanceof Outputs && name === 'outputs') return of;
  if (of instanceof Outputs) return of.of(name);
  if (Array.isArray(of) && typeof by === 'number' && by < of.length) return of[by] ?? null;
  if (isRecord(of) && Object.hasOwn(of, name)) return of[name] ?? null;
  if (at.safe || (of === null && isBehindSafe(at))) return null;
  throw new BicepFault(`there is no “${name}”`, at);
}

/** `a.?b.c` is nothing where `a.?b` is. */
function isBehindSafe(of: Expression): boolean {
  return of.kind === 'member' && (of.safe || isBehindSafe(of.of));
}

function called(of: Expression & { kind: 'call' }, names: Names): Value {
  const known = FUNCTIONS[of.name];
  if (known === undefined) throw new BicepFault(`no function is called “${of.name}”`, of);
  const args = of.args.map((one) => compute(one, names));
  try {
    return known(args, names);
  } catch (error) {
    if (error instanceof BicepFault) throw error;
    throw new BicepFault(`${of.name}: ${error instanceof Error ? error.message : String(error)}`, of);
  }
}

function binary({ sign, left, right, ...place }: Expression & { kind: 'binary' }, names: Names): Value {
  const first = compute(left, names);
  if (sign === '??') return first ?? compute(right, names);
  if (sign === '&&') return first === true && compute(right, names) === true;
  if (sign === '||') return first === true || compute(right, names) === true;
  const second = compute(right, names);
  if (sign === '==') return first === second;
  if (sign === '!=') return first !== second;
  throw new BicepFault(`“${sign}” is not known here`, place);
}
