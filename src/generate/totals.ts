import { type HeaderList, headerValue } from '../domain/message.ts';
import { NANO_USD } from '../domain/usage.ts';
import { usdText } from '../relay/answer.ts';

/** What a completion says it used, as OpenAI has it. */
export interface SaidUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number | undefined } | undefined | null;
  readonly completion_tokens_details?: { readonly reasoning_tokens?: number | undefined } | undefined | null;
}

/** What all calls of one request used together. */
export class Totals {
  #calls: readonly SaidUsage[] = [];
  #untold = false;
  #nanoUsd: number | null = 0;
  /** The deployments' own count, which knows of more than the answers say. */
  #tokens: number | null = 0;

  add(usage: SaidUsage | null | undefined, headers: HeaderList): void {
    // What comes from the cache tells of the call that it once was, and has used nothing now.
    if (headerValue(headers, 'x-router-cache') === 'hit') return;
    if (usage === null || usage === undefined) this.#untold = true;
    else this.#calls = [...this.#calls, usage];
    this.#nanoUsd = sum(this.#nanoUsd, numberIn(headers, 'x-router-cost-usd'), 1 / NANO_USD);
    this.#tokens = sum(this.#tokens, numberIn(headers, 'x-router-tokens'), 1);
  }

  /** `null`: an answer did not say. */
  usage(): object | null {
    if (this.#untold) return null;
    const of = (read: (one: SaidUsage) => number | undefined): number =>
      this.#calls.reduce((total, one) => total + (read(one) ?? 0), 0);
    const promptTokens = of((one) => one.prompt_tokens);
    const completionTokens = of((one) => one.completion_tokens);
    return {
      promptTokens,
      cachedTokens: of((one) => one.prompt_tokens_details?.cached_tokens),
      completionTokens,
      reasoningTokens: of((one) => one.completion_tokens_details?.reasoning_tokens),
      totalTokens: promptTokens + completionTokens,
      costUsd: this.#nanoUsd === null ? null : Number(usdText(this.#nanoUsd)),
    };
  }

  /** What the router says of the last call, with the sums of all. */
  headers(last: HeaderList): string[] {
    const headers: string[] = [];
    for (let at = 0; at < last.length; at += 2) {
      const name = last[at] as string;
      if (isRouters(name.toLowerCase())) headers.push(name, last[at + 1] as string);
    }
    if (this.#tokens !== null) headers.push('x-router-tokens', String(this.#tokens));
    if (this.#nanoUsd !== null) headers.push('x-router-cost-usd', usdText(this.#nanoUsd));
    return headers;
  }
}

const SUMMED = ['x-router-tokens', 'x-router-cost-usd'];

function isRouters(name: string): boolean {
  if (SUMMED.includes(name)) return false;
  return name.startsWith('x-router-') || name.startsWith('x-ratelimit-') || name === 'server-timing';
}

function numberIn(headers: HeaderList, name: string): number | null {
  const text = headerValue(headers, name);
  return text === null ? null : Number(text);
}

function sum(before: number | null, now: number | null, unit: number): number | null {
  return before === null || now === null ? null : before + Math.round(now * unit);
}
