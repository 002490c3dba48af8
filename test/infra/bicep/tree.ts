/** What a Bicep file says, as data. */
import type { Place } from './tokens.ts';

export type Expression = Place &
  (
    | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
    | { readonly kind: 'text'; readonly parts: readonly (string | Expression)[] }
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'member'; readonly of: Expression; readonly name: string; readonly safe: boolean }
    | { readonly kind: 'index'; readonly of: Expression; readonly by: Expression }
    | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
    | { readonly kind: 'list'; readonly items: readonly Expression[] }
    | { readonly kind: 'object'; readonly fields: readonly Field[]; readonly nested: readonly Statement[] }
    | { readonly kind: 'choice'; readonly when: Expression; readonly then: Expression; readonly otherwise: Expression }
    | { readonly kind: 'binary'; readonly sign: string; readonly left: Expression; readonly right: Expression }
    | { readonly kind: 'unary'; readonly sign: '!' | '-'; readonly of: Expression }
    | { readonly kind: 'lambda'; readonly params: readonly string[]; readonly body: Expression }
    | { readonly kind: 'if'; readonly when: Expression; readonly body: Expression }
    | {
        readonly kind: 'for';
        readonly item: string;
        readonly index: string | null;
        readonly over: Expression;
        readonly body: Expression;
      }
  );

export interface Field {
  readonly key: Expression;
  readonly value: Expression;
}

export interface Decorator {
  readonly name: string;
  readonly args: readonly Expression[];
}

interface Named extends Place {
  readonly name: string;
  readonly decorators: readonly Decorator[];
}

export interface Param extends Named {
  readonly kind: 'param';
  /** As written. */
  readonly type: string;
  readonly fallback: Expression | null;
}

export interface Resource extends Named {
  readonly kind: 'resource';
  /** `Type@version`; of a nested one the last part alone. */
  readonly type: string;
  readonly isExisting: boolean;
  readonly body: Expression;
}

export interface Module extends Named {
  readonly kind: 'module';
  readonly path: string;
  readonly body: Expression;
}

export type Statement =
  | Param
  | Resource
  | Module
  | (Named & { readonly kind: 'variable'; readonly value: Expression })
  | (Named & { readonly kind: 'output'; readonly type: string; readonly value: Expression })
  | (Named & { readonly kind: 'type' })
  | (Place & { readonly kind: 'import'; readonly names: readonly string[]; readonly path: string })
  | (Place & { readonly kind: 'targetScope'; readonly scope: string });
