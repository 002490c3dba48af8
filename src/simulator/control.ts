/** The control calls under `/simulator/`: faults, books, what was sent and received, and switching endpoints off and on. */
import type { IncomingMessage } from 'node:http';
import type { FaultRequest } from './armed-faults.ts';
import { FaultSyntaxError } from './faults.ts';
import { urlOf } from './incoming.ts';
import { isList, isObject, type JsonObject, numberAt, parseJson, stringAt, stringsAt } from './json.ts';
import type { Switches } from './listeners.ts';
import { decoded } from './routes.ts';
import type { World } from './world.ts';

const PREFIX = '/simulator/';

export interface ControlAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
  /** Runs once the answer is out. */
  readonly afterwards?: () => void;
}

/** What a control call reaches, and the endpoint whose port it came in by. */
export interface ControlDesk {
  readonly world: World;
  readonly switches: Switches;
  readonly reachedBy: string;
}

export function isControl(request: IncomingMessage): boolean {
  return request.url?.startsWith(PREFIX) === true;
}

export async function answerControl(desk: ControlDesk, request: IncomingMessage, body: Buffer): Promise<ControlAnswer> {
  const { world } = desk;
  if (!mayControl(world, request)) return told(403, { error: 'Control calls are answered on this machine alone.' });
  const url = urlOf(request.url ?? PREFIX);
  const [what = '', ...ids] = url.pathname
    .slice(PREFIX.length)
    .split('/')
    .filter((part) => part !== '')
    .map(decoded);
  const verb = `${request.method} ${what}`;
  switch (verb) {
    case 'GET faults':
      return told(200, { items: world.faults.list() });
    case 'POST faults':
      return armFault(world, body);
    case 'DELETE faults':
      return told(200, { cleared: world.faults.clear(ids[0] === undefined ? undefined : Number(ids[0])) });
    case 'GET books':
      return told(200, world.ledger.books());
    case 'DELETE books':
      world.ledger.reset();
      return told(200, { cleared: true });
    case 'GET calls':
      return told(200, { items: world.ledger.calls() });
    case 'GET sent':
      return tellSent(world, ids[0] ?? '');
    case 'GET received':
      return tellReceived(world, ids[0] ?? '');
    case 'GET endpoints':
      return told(200, {
        items: [...world.endpoints.values()].map(({ name, region, deployments }) => ({
          name,
          region,
          deployments: [...deployments.keys()],
        })),
      });
    case 'POST endpoints':
      return switchEndpoint(desk, ids);
    default:
      return told(404, { error: `There is no control call ${request.method} ${url.pathname}.` });
  }
}

function mayControl({ control }: World, request: IncomingMessage): boolean {
  if (control !== 'loopback') return control === 'anyone';
  const from = request.socket.remoteAddress ?? '';
  return from === '::1' || from.replace('::ffff:', '').startsWith('127.');
}

function told(status: number, body: object): ControlAnswer {
  return { status, contentType: 'application/json', body: Buffer.from(`${JSON.stringify(body)}\n`) };
}

const FAULT_FIELDS = ['fault', 'endpoint', 'deployment', 'operations', 'count', 'percent', 'forMs'];

function armFault(world: World, body: Buffer): ControlAnswer {
  const asked = parseJson(body.toString('utf8'));
  if (!isObject(asked)) {
    return told(400, {
      error: 'The body must be a JSON object such as {"fault":"429;retry-after-ms=1500","count":3}.',
    });
  }
  const problem = problemIn(world, asked);
  if (problem !== null) return told(400, { error: problem });
  try {
    return told(201, { id: world.faults.add(toFaultRequest(asked)) });
  } catch (error) {
    if (error instanceof FaultSyntaxError) return told(400, { error: error.message });
    throw error;
  }
}

function problemIn(world: World, asked: JsonObject): string | null {
  const unknown = Object.keys(asked).find((field) => !FAULT_FIELDS.includes(field));
  if (unknown !== undefined) return `There is no field "${unknown}"; there are ${FAULT_FIELDS.join(', ')}.`;
  if (stringAt(asked, 'fault') === null) return '"fault" is missing: a text such as "500" or "stall;chunks=2".';
  const endpoint = asked['endpoint'];
  if (endpoint !== undefined && (typeof endpoint !== 'string' || !world.endpoints.has(endpoint))) {
    return `There is no endpoint ${JSON.stringify(endpoint)}; there are ${[...world.endpoints.keys()].join(', ')}.`;
  }
  if (asked['deployment'] !== undefined && stringAt(asked, 'deployment') === null)
    return '"deployment" must be a name.';
  for (const field of ['count', 'percent', 'forMs']) {
    if (asked[field] !== undefined && (numberAt(asked, field) ?? -1) < 0) return `"${field}" must be a number from 0.`;
  }
  const operations = asked['operations'];
  if (operations !== undefined && !(isList(operations) && operations.every((name) => typeof name === 'string'))) {
    return '"operations" must be a list of names such as "chat/completions".';
  }
  return null;
}

function toFaultRequest(asked: JsonObject): FaultRequest {
  const endpoint = stringAt(asked, 'endpoint');
  const deployment = stringAt(asked, 'deployment');
  const count = numberAt(asked, 'count');
  const percent = numberAt(asked, 'percent');
  const forMs = numberAt(asked, 'forMs');
  return {
    fault: stringAt(asked, 'fault') ?? '',
    ...(endpoint === null ? {} : { endpoint }),
    ...(deployment === null ? {} : { deployment }),
    ...(asked['operations'] === undefined ? {} : { operations: stringsAt(asked, 'operations') }),
    ...(count === null ? {} : { count }),
    ...(percent === null ? {} : { percent }),
    ...(forMs === null ? {} : { forMs }),
  };
}

function tellSent(world: World, id: string): ControlAnswer {
  const bytes = world.ledger.sent(id);
  return bytes ? { status: 200, contentType: 'application/octet-stream', body: bytes } : notKept(id);
}

function tellReceived(world: World, id: string): ControlAnswer {
  const call = world.ledger.received(id);
  if (!call) return notKept(id);
  const { method, path, headers, body } = call;
  return told(200, { method, path, headers, bodyBase64: body.toString('base64') });
}

function notKept(id: string): ControlAnswer {
  return told(404, { error: `No call "${id}" is kept; the id is the answer's apim-request-id.` });
}

async function switchEndpoint(
  { world, switches, reachedBy }: ControlDesk,
  [name = '', action]: readonly string[],
): Promise<ControlAnswer> {
  if (!world.endpoints.has(name))
    return told(404, { error: `There is no endpoint "${name}"; there are ${[...world.endpoints.keys()].join(', ')}.` });
  if (action !== 'stop' && action !== 'start')
    return told(404, { error: 'An endpoint can be told to stop or to start.' });
  const done = told(200, { endpoint: name, action });
  // The port this call came in by must stay open until the call is answered.
  if (action === 'stop' && name === reachedBy) return { ...done, afterwards: () => void switches.stop(name) };
  await switches[action](name);
  return done;
}
