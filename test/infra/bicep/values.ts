/** What expressions come to, and what of it can stand in a template's JSON. */

/** Something that Azure alone knows: the client id of an identity that is not made yet. */
export class Runtime {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
}

export type Lambda = (...args: Value[]) => Value;
export type Value =
  | string
  | number
  | boolean
  | null
  | Runtime
  | Made
  | Outputs
  | Lambda
  | Value[]
  | { [key: string]: Value };

/** A resource, as others refer to it. */
export class Made {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly symbol: string;
  constructor(facts: { id: string; name: string; type: string; symbol: string }) {
    this.id = facts.id;
    this.name = facts.name;
    this.type = facts.type;
    this.symbol = facts.symbol;
  }

  member(name: string): Value {
    if (name === 'id' || name === 'name' || name === 'type') return this[name];
    return new Runtime(`${this.symbol}.${name}`);
  }
}

/** A module, as others refer to it; made when the first of its outputs is asked for. */
export class Outputs {
  readonly of: (name: string) => Value;
  constructor(of: (name: string) => Value) {
    this.of = of;
  }
}

export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

export function isRecord(value: Value): value is { [key: string]: Value } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.getPrototypeOf(value) === Object.prototype
  );
}

export function toPlain(value: Value): Plain {
  if (value instanceof Runtime) return `<${value.path}>`;
  if (value instanceof Made) return value.id;
  if (Array.isArray(value)) return value.map(toPlain);
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, toPlain(one)]));
  if (value instanceof Outputs || typeof value === 'function') throw new Error('a module or a lambda is no value');
  return value;
}

export function toText(value: Value): string {
  const plain = toPlain(value);
  if (plain === null || typeof plain === 'object') return JSON.stringify(plain);
  return typeof plain === 'boolean' ? (plain ? 'True' : 'False') : String(plain);
}
