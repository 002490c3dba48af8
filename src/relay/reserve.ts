/** What a request may use at most, as far as can be told before it is sent. */
import type { QuotaAsk } from '../accounts/port.ts';
import type { RouterConfig } from '../domain/config.ts';
import type { Deployment, DeploymentId } from '../domain/deployment.ts';
import { namedBy } from '../routing/wanted.ts';
import type { Prices } from '../usage/port.ts';
import type { Call } from './call.ts';
import { promptTokens } from './promptSize.ts';
import { isOfTokens } from './worked.ts';

/** Where completions are not limited they are this short. */
const LEGACY_MAX_TOKENS = 16;

const NOTHING: QuotaAsk = {
  kind: null,
  promptTokens: 0,
  outputTokens: 0,
  nanoUsdPerPromptToken: 0,
  nanoUsdPerOutputToken: 0,
};

export function askFor(config: RouterConfig, prices: Prices, call: Call): QuotaAsk {
  if (!limitsTokens(call) || !isOfTokens(call)) return NOTHING;
  const { prompt, output } = limitsCost(call) ? dearest(config, prices, call) : FREE;
  return {
    kind: kindOf(call),
    promptTokens: promptTokens(call),
    outputTokens: outputTokens(call),
    nanoUsdPerPromptToken: prompt,
    nanoUsdPerOutputToken: output,
  };
}

const FREE = { prompt: 0, output: 0 };

function limitsTokens({ principal: { quota } }: Call): boolean {
  const { tokensPerMinute, tokensPerDay, tokensPerMonth, usdPerDay, usdPerMonth } = quota;
  return [tokensPerMinute, tokensPerDay, tokensPerMonth, usdPerDay, usdPerMonth].some((limit) => limit !== null);
}

function limitsCost({ principal: { quota } }: Call): boolean {
  return quota.usdPerDay !== null || quota.usdPerMonth !== null;
}

function outputTokens({ target, payload }: Call): number | null {
  const operation = target.kind === 'deployment' ? target.operation : '';
  if (operation === 'embeddings') return 0;
  if (payload.kind !== 'json') return null;
  const { maxTokens, choices } = payload.fields;
  if (maxTokens !== null) return maxTokens * choices;
  return operation === 'completions' ? LEGACY_MAX_TOKENS * choices : null;
}

/**
 * Prompts of one name and operation turn out larger than they look by about the same: by what a service adds to them, its way of
 * counting and what callers attach. Those that go on from a stored response bring all of that along and are a kind of their own.
 */
function kindOf(call: Call): string {
  const { name, target } = call;
  const operation = target.kind === 'deployment' ? target.operation : 'other';
  return `${name ?? ''} ${operation}${goesOn(call) ? ' continued' : ''}`;
}

/** The prices of the dearest deployment that the request may lead to. */
function dearest(config: RouterConfig, prices: Prices, call: Call): { prompt: number; output: number } {
  let prompt = 0;
  let output = 0;
  for (const deployment of deploymentsFor(config, call)) {
    const rates = prices.rates(deployment);
    prompt = Math.max(prompt, rates.prompt);
    output = Math.max(output, rates.output);
  }
  return { prompt, output };
}

/** All, where what the request leads to depends on more than its words: on its agent, or on who holds a stored response. */
function deploymentsFor(config: RouterConfig, call: Call): Iterable<Deployment> {
  const { name, wishes, principal } = call;
  const asked = { name, tier: wishes.tier, plan: principal.plan, boundTo: null };
  const wanted = goesOn(call) ? null : namedBy(config, asked);
  switch (wanted?.kind) {
    case 'deployment':
      return known(config, [wanted.id]);
    case 'chain':
      return known(
        config,
        wanted.links.flatMap(({ pool }) => pool.members.map(({ deployment }) => deployment)),
      );
    default:
      // Among them those that nobody will serve.
      return config.deployments.values();
  }
}

function known({ deployments }: RouterConfig, ids: readonly DeploymentId[]): Deployment[] {
  return ids.flatMap((id) => deployments.get(id) ?? []);
}

function goesOn({ payload }: Call): boolean {
  return payload.kind === 'json' && payload.fields.previousResponseId !== null;
}
