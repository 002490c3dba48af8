/** `POST /router/probe`: each deployment tried once, now. */
import type { RouterConfig } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import { closest } from '../domain/nearest.ts';
import { NANO_USD } from '../domain/usage.ts';
import type { ProbeOrder, ProbeResult, Prober } from '../relay/probe.ts';
import { type ControlRoute, route } from './controlRoute.ts';
import { objectIn, refuseUnknownFields, wrong } from './jsonBody.ts';

export interface ProbeDeps {
  readonly config: RouterConfig;
  readonly prober: Prober;
}

const LARGEST_BODY = 64 * 1024;

export function probeRoute({ config, prober }: ProbeDeps): ControlRoute {
  const limits = { maxBytes: LARGEST_BODY, withinMs: config.timeouts.deadlineMs };
  return route('POST', /^\/router\/probe$/, async ({ request }) => {
    const order = readOrder(config, await request.readBody(limits));
    const results = await prober.probe({ ...order, caller: request.caller });
    return { results: results.map(resultView) };
  });
}

function resultView({ usage, ...result }: ProbeResult) {
  if (usage === null) return { ...result, usage };
  const { prompt, cached, completion, reasoning } = usage.tokens;
  const costUsd = usage.costNanoUsd === null ? null : Number((usage.costNanoUsd * NANO_USD).toFixed(9));
  const tokens = {
    promptTokens: prompt,
    cachedTokens: cached,
    completionTokens: completion,
    reasoningTokens: reasoning,
  };
  return { ...result, usage: { ...tokens, costUsd } };
}

const FIELDS = ['deployments', 'completion', 'record'] as const;

type Order = Omit<ProbeOrder, 'caller'>;

/** `{deployments?, completion?, record?}`; nothing at all is all of them by the call that bills nothing. */
function readOrder(config: RouterConfig, body: Buffer): Order {
  const json = body.length === 0 ? {} : objectIn(body, '{"deployments", "completion", "record"}, or empty');
  refuseUnknownFields(json, FIELDS, 'a probe');
  return {
    deployments: readDeployments(config, json['deployments'] ?? null),
    kind: readFlag(json, 'completion') ? 'completion' : 'models',
    record: readFlag(json, 'record'),
  };
}

function readFlag(json: Readonly<Record<string, unknown>>, name: (typeof FIELDS)[number]): boolean {
  const value = json[name] ?? false;
  if (typeof value !== 'boolean') throw wrong(name, 'true or false');
  return value;
}

function readDeployments({ deployments }: RouterConfig, wanted: unknown): DeploymentId[] {
  if (wanted === null) return [...deployments.keys()];
  if (!Array.isArray(wanted) || wanted.length === 0 || !wanted.every((id) => typeof id === 'string')) {
    throw wrong('deployments', 'a list of deployment ids, such as ["A/gpt-4.1"], or absent for all of them');
  }
  const ids = [...new Set<string>(wanted)];
  const unknown = ids.find((id) => !deployments.has(id as DeploymentId));
  if (unknown === undefined) return ids as DeploymentId[];
  const known = closest(unknown, [...deployments.keys()]).join(', ');
  const message = `There is no deployment named ${JSON.stringify(unknown.slice(0, 100))}. These exist: ${known}.`;
  throw new RouterError('invalid_request', message, { status: 404, param: 'deployments' });
}
