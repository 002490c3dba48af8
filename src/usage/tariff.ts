/** The form of the price table: what a model's tokens cost, and since when. */

/** How a model is called: in any one of these ways. All but the patterns take no heed of capitals. */
export interface ModelNames {
  readonly equals?: readonly string[];
  readonly startsWith?: readonly string[];
  readonly contains?: readonly string[];
  readonly patterns?: readonly string[];
}

/** USD per million tokens. What has no rate of its own costs what it is a part of: cached input what input costs, and so on. */
export interface Rates {
  readonly input?: number;
  readonly cached?: number;
  readonly cacheWrite?: number;
  readonly output?: number;
  readonly inputAudio?: number;
  readonly cachedAudio?: number;
  readonly outputAudio?: number;
}

/** Prompts of more than `above` tokens cost these rates, for every token. */
export interface LongPromptRates extends Rates {
  readonly above: number;
}

export interface PricePeriod extends Rates {
  /** The day it begins on; absent: from the beginning. */
  readonly from?: string;
  /** By rising length. */
  readonly longPrompts?: readonly LongPromptRates[];
}

export interface PricedModel {
  readonly id: string;
  readonly names: ModelNames;
  /** By rising day. */
  readonly prices: readonly PricePeriod[];
}
