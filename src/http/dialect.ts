/** Where a data-plane path leads, in whichever dialect the caller speaks; `null` for any other path. */
import { RouterError } from '../domain/errors.ts';
import { DEPLOYMENT_OPERATIONS, type Target } from '../domain/target.ts';

const V1 = ['/openai/v1/', '/v1/'];
const DATED = '/openai/';
const DEPLOYMENTS = 'deployments/';

/** Whether callers are served under this path, or operators. */
export function isDataPath(path: string): boolean {
  return path.startsWith(DATED) || V1.some((prefix) => path.startsWith(prefix));
}

export function readTarget(method: string, path: string): Target | null {
  const v1 = V1.find((prefix) => path.startsWith(prefix));
  if (v1 !== undefined) return targetOf(method, checked(path.slice(v1.length)), null);
  if (!path.startsWith(DATED)) return null;
  const rest = checked(path.slice(DATED.length));
  if (!rest.startsWith(DEPLOYMENTS)) return targetOf(method, rest, null);
  const slash = rest.indexOf('/', DEPLOYMENTS.length);
  if (slash === -1) return targetOf(method, rest, null);
  const name = decodedName(rest.slice(DEPLOYMENTS.length, slash));
  return targetOf(method, rest.slice(slash + 1), name);
}

function targetOf(method: string, resource: string, name: string | null): Target {
  const path = resource.endsWith('/') ? resource.slice(0, -1) : resource;
  if (method === 'POST' && DEPLOYMENT_OPERATIONS.has(path)) {
    return { kind: 'deployment', operation: path, namedBy: name === null ? 'body' : 'path', name };
  }
  const [first, second] = path.split('/', 2);
  if (first === 'models' && method === 'GET') {
    return { kind: 'models', id: second === undefined ? null : decodedName(path.slice('models/'.length)) };
  }
  if (first === 'responses' && second !== undefined && !DEPLOYMENT_OPERATIONS.has(path)) {
    return { kind: 'response', id: second, rest: path.slice(`responses/${second}`.length) };
  }
  return { kind: 'other', path, name };
}

/** What goes into an endpoint's URL must not lead out of its data plane. */
function checked(resource: string): string {
  if (mayTurn(resource) && turns(resource))
    throw new RouterError('invalid_request', 'The path must not hold "." or ".." segments.');
  if (!/^[\x21-\x7e]*$/.test(resource)) {
    throw new RouterError('invalid_request', 'The path holds characters that must be percent-encoded.');
  }
  return resource;
}

function mayTurn(resource: string): boolean {
  return resource.startsWith('.') || resource.includes('/.') || resource.includes('%') || resource.includes('\\');
}

/** Whether some server on the way may take the path for one that leads upwards, encoded once or not. */
function turns(resource: string): boolean {
  const plain = resource.replace(/%2e/gi, '.').replace(/%2f|%5c|\\/gi, '/');
  return plain.split('/').some((segment) => segment === '.' || segment === '..');
}

function decodedName(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new RouterError('invalid_request', 'The name in the path is not percent-encoded rightly.', {
      param: 'model',
    });
  }
}
