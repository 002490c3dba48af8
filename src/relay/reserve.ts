/** What a request may use at most, as far as can be told before it is sent. */
import type { QuotaAsk } from '../accounts/port.ts';
import type { RouterConfig } from '../domain/config.ts';
import type { Deployment, DeploymentId } from '../domain/deployment.ts';
import type { Prices } from '../usage/port.ts';
import type { Call } from './call.ts';
import { isOfTokens } from './worked.ts';

/** A token of a prompt is seldom shorter than this; the JSON around the words makes up for messages' own tokens. */
const BYTES_PER_TOKEN = 4;
const TOKENS_PER_REQUEST = 3;
/** A picture or a recording, whatever its size in bytes. */
const TOKENS_PER_ATTACHMENT = 1_200;
/** Bodies below this hold no attachments worth looking for. */
const SMALL_BODY = 16 * 1024;
/** Where completions are not limited they are this short. */
const LEGACY_MAX_TOKENS = 16;

const NOTHING: QuotaAsk = { promptTokens: 0, outputTokens: 0, nanoUsdPerPromptToken: 0, nanoUsdPerOutputToken: 0 };

export function askFor(config: RouterConfig, prices: Prices, call: Call): QuotaAsk {
  if (!limitsTokens(call) || !isOfTokens(call)) return NOTHING;
  const { prompt, output } = limitsCost(call) ? dearest(config, prices, call.name) : FREE;
  return {
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

function promptTokens({ payload }: Call): number {
  if (payload.kind === 'none') return 0;
  const { bytes } = payload;
  const attachments = bytes.length < SMALL_BODY ? NO_ATTACHMENTS : attachmentsIn(bytes);
  const words = bytes.length - attachments.bytes;
  return Math.ceil(words / BYTES_PER_TOKEN) + TOKENS_PER_REQUEST + attachments.count * TOKENS_PER_ATTACHMENT;
}

interface Attachments {
  readonly count: number;
  readonly bytes: number;
}

const NO_ATTACHMENTS: Attachments = { count: 0, bytes: 0 };

/** Pictures as data URIs, recordings and files as Base64. */
const OPENINGS = ['"data:', '"data":"', '"data": "'];

function attachmentsIn(bytes: Buffer): Attachments {
  let count = 0;
  let size = 0;
  for (const opening of OPENINGS) {
    for (let at = bytes.indexOf(opening); at !== -1; ) {
      const from = at + opening.length;
      const end = bytes.indexOf(0x22, from);
      const to = end === -1 ? bytes.length : end;
      count++;
      size += to - from;
      at = bytes.indexOf(opening, to);
    }
  }
  return { count, bytes: size };
}

/** The prices of the dearest deployment that the name may lead to. */
function dearest(config: RouterConfig, prices: Prices, name: string | null): { prompt: number; output: number } {
  let prompt = 0;
  let output = 0;
  for (const deployment of deploymentsFor(config, name)) {
    const rates = prices.rates(deployment);
    prompt = Math.max(prompt, rates.prompt);
    output = Math.max(output, rates.output);
  }
  return { prompt, output };
}

function deploymentsFor({ deployments, pools }: RouterConfig, name: string | null): Iterable<Deployment> {
  const one = name === null ? undefined : deployments.get(name as DeploymentId);
  if (one !== undefined) return [one];
  const pool = name === null ? undefined : pools.get(name);
  if (pool === undefined) return deployments.values();
  return pool.members.flatMap(({ deployment }) => deployments.get(deployment) ?? []);
}
