/** A deployment: the resources that a main file and its modules make of their parameters, and what they put out. */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { compute, type Names, turnsOf } from './compute.ts';
import { type Scope, scopeId } from './functions.ts';
import { parseBicep } from './parse.ts';
import { BicepFault } from './tokens.ts';
import type { Module, Resource, Statement } from './tree.ts';
import { isRecord, Made, Outputs, type Plain, toPlain, toText, type Value } from './values.ts';

export interface Deployed {
  /** The file it stands in, from infra/. */
  readonly file: string;
  readonly symbol: string;
  readonly type: string;
  readonly apiVersion: string;
  readonly id: string;
  readonly name: string;
  /** What the template says of it, but its name, parent and scope. */
  readonly body: { readonly [key: string]: Plain };
  /** Of an extension: what it is on. */
  readonly on: string | null;
}

export interface Deployment {
  readonly resources: readonly Deployed[];
  readonly outputs: Readonly<Record<string, Plain>>;
}

export const SUBSCRIPTION = '11111111-1111-1111-1111-111111111111';

export function deploy(mainFile: string, params: Readonly<Record<string, Value>>): Deployment {
  const resources: Deployed[] = [];
  const scope: Scope = { kind: 'subscription', subscriptionId: SUBSCRIPTION };
  const unit = new Unit(mainFile, { root: dirname(mainFile), scope, resources }, params);
  unit.makeAll();
  return { resources, outputs: unit.outputs() };
}

interface Around {
  readonly root: string;
  readonly scope: Scope;
  readonly resources: Deployed[];
}

interface Parent {
  readonly made: Made;
  readonly version: string;
  readonly names: Names;
}

/** One file, deployed once. */
class Unit {
  readonly #file: string;
  readonly #around: Around;
  readonly #params: Readonly<Record<string, Value>>;
  readonly #statements: readonly Statement[];
  readonly #known = new Map<string, Value>();
  readonly #under = new Set<string>();
  readonly #names: Names;

  constructor(file: string, around: Around, params: Readonly<Record<string, Value>>) {
    this.#file = file;
    this.#around = around;
    this.#params = params;
    this.#statements = parseBicep(readFileSync(file, 'utf8'), relative(around.root, file));
    this.#names = {
      scope: around.scope,
      load: (path) => readFileSync(join(dirname(file), path), 'utf8'),
      find: (name) => this.#find(name),
    };
    const declared = new Set(this.#statements.flatMap((one) => (one.kind === 'param' ? [one.name] : [])));
    for (const name of Object.keys(params)) if (!declared.has(name)) this.#fail(`there is no parameter “${name}”`);
  }

  makeAll(): void {
    for (const one of this.#statements)
      if ('name' in one && one.kind !== 'type' && one.kind !== 'output') this.#find(one.name);
  }

  outputs(): Record<string, Plain> {
    const named = this.#statements.filter((one) => one.kind === 'output');
    return Object.fromEntries(named.map(({ name, value }) => [name, toPlain(compute(value, this.#names))]));
  }

  output(name: string): Value {
    const found = this.#statements.find((one) => one.kind === 'output' && one.name === name);
    if (found?.kind !== 'output') return this.#fail(`there is no output “${name}”`);
    return compute(found.value, this.#names);
  }

  #find(name: string): Value | undefined {
    if (this.#known.has(name)) return this.#known.get(name);
    const found = this.#statements.find((one) =>
      one.kind === 'import' ? one.names.includes(name) : 'name' in one && one.kind !== 'output' && one.name === name,
    );
    if (found === undefined) return undefined;
    if (this.#under.has(name)) throw new BicepFault(`“${name}” stands on itself`, found);
    this.#under.add(name);
    const value = this.#valueOf(found, name);
    this.#known.set(name, value);
    return value;
  }

  #valueOf(found: Statement, name: string): Value {
    switch (found.kind) {
      case 'param': {
        const given = this.#params[name] ?? null;
        if (given !== null) return given;
        if (found.fallback !== null) return compute(found.fallback, this.#names);
        return found.type.endsWith('?') ? null : this.#fail(`parameter “${name}” is missing`);
      }
      case 'variable':
        return compute(found.value, this.#names);
      case 'resource':
        return this.#resources(found, null);
      case 'module':
        return this.#modules(found);
      case 'import':
        return (
          new Unit(join(dirname(this.#file), found.path), { ...this.#around, resources: [] }, {}).#find(name) ?? null
        );
      case 'type':
        return null;
      default:
        throw new BicepFault(`“${name}” has no value`, found);
    }
  }

  #resources(of: Resource, parent: Parent | null): Value {
    const names = parent?.names ?? this.#names;
    const made = turnsOf(of.body, names).map((turn) => this.#resource(of, turn.body, { ...parent, names: turn.names }));
    const isLoop = of.body.kind === 'for';
    // One whose condition does not hold is still spoken of, by choices that then take the other way.
    return isLoop ? made : (made[0] ?? new Made({ id: '', name: '', type: of.type, symbol: of.name }));
  }

  #resource(of: Resource, body: Resource['body'], around: Partial<Parent> & { names: Names }): Made {
    const { name = null, parent = null, scope = null, ...rest } = this.#fields(body, around.names);
    const above = around.made ?? (parent instanceof Made ? parent : null);
    const [ownType = '', ownVersion] = of.type.split('@');
    const type = around.made === undefined ? ownType : `${around.made.type}/${ownType}`;
    const apiVersion = ownVersion ?? around.version ?? '';
    const on = scope instanceof Made ? scope.id : null;
    const made = new Made({
      id: idOf(type, toText(name), on ?? scopeId(this.#around.scope), above),
      name: toText(name),
      type,
      symbol: of.name,
    });
    const { file } = of;
    if (!of.isExisting)
      this.#around.resources.push({
        file,
        symbol: of.name,
        type,
        apiVersion,
        id: made.id,
        name: made.name,
        body: toPlain(rest) as Deployed['body'],
        on,
      });
    const nested = body.kind === 'object' ? body.nested : [];
    const names: Names = { ...around.names, find: (asked) => (asked === of.name ? made : around.names.find(asked)) };
    for (const child of nested)
      if (child.kind === 'resource') this.#resources(child, { made, version: apiVersion, names });
    return made;
  }

  #modules(of: Module): Value {
    const units = turnsOf(of.body, this.#names).map(({ body, names }) => this.#module(of, this.#fields(body, names)));
    return of.body.kind === 'for' ? units : (units[0] ?? null);
  }

  #module(of: Module, { params = {}, scope = null }: Record<string, Value>): Value {
    const group = scope instanceof Made ? /^\/subscriptions\/([^/]+)\/resourceGroups\/(.+)$/.exec(scope.id) : null;
    const at: Scope =
      group === null
        ? this.#around.scope
        : { kind: 'resourceGroup', subscriptionId: group[1] ?? '', name: group[2] ?? '' };
    if (!isRecord(params)) throw new BicepFault('params are an object', of);
    const unit = new Unit(join(dirname(this.#file), of.path), { ...this.#around, scope: at }, params);
    unit.makeAll();
    return new Outputs((name) => unit.output(name));
  }

  #fields(body: Resource['body'], names: Names): Record<string, Value> {
    const value = compute(body, names);
    if (!isRecord(value)) throw new BicepFault('a declaration is an object', body);
    return value;
  }

  #fail(problem: string): never {
    throw new BicepFault(problem, { file: relative(this.#around.root, this.#file), line: 0 });
  }
}

function idOf(type: string, name: string, scope: string, above: Made | null): string {
  if (type === 'Microsoft.Resources/resourceGroups') return `${scope}/resourceGroups/${name}`;
  if (above !== null) return `${above.id}/${type.split('/').at(-1) ?? ''}/${name}`;
  return `${scope}/providers/${type}/${name}`;
}
