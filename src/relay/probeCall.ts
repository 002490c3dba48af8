import type { Deployment, Dialect, Endpoint } from '../domain/deployment.ts';
import type { Target } from '../domain/target.ts';
import { renderPath } from '../upstream/dialect.ts';
import type { UpstreamRequest } from '../upstream/port.ts';

export type ProbeKind = 'models' | 'completion';

const HEADERS = ['accept', 'application/json', 'accept-encoding', 'identity'];

/** `models`: bills nothing, and says nothing about the deployment itself. `completion`: the least that it can be asked to do. */
export function probeCall(kind: ProbeKind, endpoint: Endpoint, deployment: Deployment): UpstreamRequest {
  if (kind === 'models') {
    const path = renderPath({ kind: 'models', id: null }, endpoint, deployment, '');
    return { endpoint, method: 'GET', path, headers: HEADERS, body: null };
  }
  const { operation, question } = leastQuestion(endpoint.dialect, deployment);
  const target: Target = { kind: 'deployment', operation, namedBy: 'body', name: null };
  return {
    endpoint,
    method: 'POST',
    path: renderPath(target, endpoint, deployment, ''),
    headers: [...HEADERS, 'content-type', 'application/json'],
    // Dated dialects name the deployment in the path and do not look at this.
    body: Buffer.from(JSON.stringify({ model: deployment.name, ...question })),
  };
}

const EMBEDS = /embedding/i;
/** Models that complete text and do not chat. */
const COMPLETES = /instruct|^(?:davinci|babbage)-/i;

interface Question {
  readonly operation: string;
  readonly question: object;
}

/** What neither chats nor embeds, such as a model that speaks or paints, refuses the chat, and shows by that that it is there. */
function leastQuestion(dialect: Dialect, { model, name }: Deployment): Question {
  const what = model ?? name;
  if (EMBEDS.test(what)) return { operation: 'embeddings', question: { input: '.' } };
  if (COMPLETES.test(what)) return { operation: 'completions', question: { prompt: '.', max_tokens: 1 } };
  const messages = [{ role: 'user', content: '.' }];
  return { operation: 'chat/completions', question: { messages, [tokenLimit(dialect)]: 1 } };
}

/** Models that reason know the new name alone, versions from before them the old one. */
const NEW_NAME_SINCE = '2024-09';

function tokenLimit(dialect: Dialect): 'max_tokens' | 'max_completion_tokens' {
  return dialect.kind === 'dated' && dialect.apiVersion < NEW_NAME_SINCE ? 'max_tokens' : 'max_completion_tokens';
}
