/** What the router answers, held to the document that describes it. */
import { type OutputUnit, type Schema, Validator } from '@cfworker/json-schema';
import { DESCRIPTION } from '../../../src/http/openapi/document.ts';

interface Content {
  readonly schema?: object;
}

interface Response {
  readonly content?: Readonly<Record<string, Content>>;
}

interface Described {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, Response | { readonly $ref: string }>>;
  readonly security?: readonly object[];
}

export const PATHS = DESCRIPTION.paths as unknown as Readonly<Record<string, Readonly<Record<string, Described>>>>;

/** What the document says is there, one by one. */
export const OPERATIONS = Object.entries(PATHS).flatMap(([path, item]) =>
  Object.entries(item).map(([method, described]) => ({ path, method: method.toUpperCase(), described })),
);

export function operationById(id: string): (typeof OPERATIONS)[number] {
  const found = OPERATIONS.find(({ described }) => described.operationId === id);
  if (found === undefined) throw new Error(`the document has no operation ${id}`);
  return found;
}

export function faultsOf(value: unknown, schema: object): OutputUnit[] {
  const whole = { ...schema, components: { schemas: DESCRIPTION.components.schemas } } as unknown as Schema;
  return new Validator(whole, '2020-12', false).validate(value).errors;
}

/** `undefined`: it leads nowhere. */
export function referred(pointer: string): unknown {
  let place: unknown = DESCRIPTION;
  for (const name of pointer.slice('#/'.length).split('/')) {
    place = (place as Readonly<Record<string, unknown>> | undefined)?.[name];
  }
  return place;
}

export interface Answered {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** Empty: the answer is what the document says of it. */
export function differences(id: string, { status, type, text }: Answered): string[] {
  const found = operationById(id).described.responses[String(status)];
  const described = found === undefined || !('$ref' in found) ? found : (referred(found.$ref) as Response | undefined);
  if (described === undefined) return [`${id} answers ${status}, of which the document does not know`];
  const media = type.split(';', 1)[0] ?? '';
  if (described.content === undefined) return text === '' ? [] : [`${id} ${status} is to have no body`];
  const content = described.content[media] ?? described.content['*/*'];
  if (content === undefined) return [`${id} ${status} is ${media}, not ${Object.keys(described.content).join(' or ')}`];
  if (content.schema === undefined || !media.endsWith('json')) return [];
  const faults = faultsOf(JSON.parse(text), content.schema);
  return faults.map(({ instanceLocation, error }) => `${id} ${status} ${instanceLocation}: ${error}`);
}
