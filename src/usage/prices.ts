/**
 * What tokens cost: by the deployment's own price, else by the price of its model. Counted in billionths of a dollar, so that a
 * token of any model costs whole units or nearly so; the sum for a request is rounded once.
 */
import type { Deployment, DeploymentId, Price } from '../domain/deployment.ts';
import type { Tokens } from '../domain/usage.ts';
import type { Journal } from '../telemetry/port.ts';
import type { Prices } from './port.ts';
import { PRICE_TABLE } from './priceTable.ts';
import type { ModelNames, PricedModel, PricePeriod, Rates } from './tariff.ts';

export interface PricesFacts {
  readonly journal: Pick<Journal, 'priceUnknown'>;
  /** Some prices begin on a day. */
  readonly now: () => number;
}

/** USD per million tokens is thousands of billionths per token. */
const NANO_PER_TOKEN = 1_000;

/** Models are named by deployments, which are few, and by answers, which need not be. */
const MOST_REMEMBERED = 1_000;

const FREE: Rates = { input: 0, output: 0 };

/** What a deployment's tokens cost, now or as soon as it is known since when. `null`: nobody knows. */
type Tariff = readonly PricePeriod[] | null;

export function createPrices({ journal, now }: PricesFacts): Prices {
  const tariffs = new Map<Deployment, Map<string | null, Tariff>>();
  let remembered = 0;
  const unknown = new Set<string>();
  /** What answers have named where the configuration does not: the best there is before the next answer. */
  const lastNamed = new Map<DeploymentId, string>();

  const tariffFor = (deployment: Deployment, responseModel: string | null): Tariff => {
    const known = tariffs.get(deployment)?.get(responseModel);
    if (known !== undefined) return known;
    const found = findTariff(deployment, responseModel);
    if (remembered++ >= MOST_REMEMBERED) {
      tariffs.clear();
      remembered = 0;
    }
    const ofDeployment = tariffs.get(deployment) ?? new Map<string | null, Tariff>();
    tariffs.set(deployment, ofDeployment.set(responseModel, found));
    return found;
  };

  const tellUnknown = (deployment: Deployment, responseModel: string | null): void => {
    const model = deployment.model ?? responseModel ?? deployment.name;
    if (unknown.has(model) || unknown.size >= MOST_REMEMBERED) return;
    unknown.add(model);
    journal.priceUnknown({ model, deployment: deployment.id });
  };

  return {
    costOf(deployment, responseModel, tokens) {
      if (responseModel !== null) lastNamed.set(deployment.id, responseModel);
      const tariff = tariffFor(deployment, responseModel);
      if (tariff !== null) return cost(ratesFor(periodAt(tariff, now()), tokens.prompt), tokens);
      tellUnknown(deployment, responseModel);
      return null;
    },
    rates(deployment) {
      const tariff = tariffFor(deployment, lastNamed.get(deployment.id) ?? null);
      return tariff === null ? { prompt: 0, output: 0 } : highestRates(periodAt(tariff, now()));
    },
  };
}

function findTariff(deployment: Deployment, responseModel: string | null): Tariff {
  if (deployment.kind === 'ptu') return [FREE];
  if (deployment.price !== null) return [toRates(deployment.price)];
  const named = [deployment.model, responseModel].filter((name) => name !== null);
  // A deployment can be called like a model and be another one: its name counts only where nobody says what it is.
  const names = named.length > 0 ? named : [deployment.name];
  for (const name of names) {
    const model = findModel(name);
    if (model !== null) return model.prices;
  }
  return null;
}

function toRates({ input, cached, output }: Price): Rates {
  return { input, output, ...(cached === null ? {} : { cached }) };
}

export function findModel(name: string): PricedModel | null {
  for (const spelling of spellingsOf(name.toLowerCase().trim())) {
    const found = PRICE_TABLE.find(({ names }) => fits(names, spelling));
    if (found !== undefined) return found;
  }
  return null;
}

/** As it is; with the date spelled with dashes; and without Azure's own way of writing 3.5. */
function spellingsOf(name: string): string[] {
  const dashed = name.replaceAll(/-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g, '-$1-$2-$3');
  return [...new Set([name, dashed, dashed.replace('gpt-35-', 'gpt-3.5-')])];
}

function fits({ equals = [], startsWith = [], contains = [], patterns = [] }: ModelNames, name: string): boolean {
  return (
    equals.some((text) => name === text.toLowerCase()) ||
    startsWith.some((text) => name.startsWith(text.toLowerCase())) ||
    contains.some((text) => name.includes(text.toLowerCase())) ||
    patterns.some((pattern) => new RegExp(pattern).test(name))
  );
}

function periodAt(tariff: readonly PricePeriod[], now: number): PricePeriod {
  return tariff.findLast(({ from }) => from === undefined || now >= Date.parse(from)) ?? tariff[0] ?? FREE;
}

function ratesFor(period: PricePeriod, promptTokens: number): Rates {
  return period.longPrompts?.findLast(({ above }) => promptTokens > above) ?? period;
}

/**
 * Reasoning is output. Nothing says how much of the cached part is audio: the text is taken to be cached first, which is the
 * dearer reading where cached audio is saved more on than cached text.
 */
function cost(rates: Rates, tokens: Tokens): number {
  const { input = 0, output = 0, cached = input, inputAudio = input, outputAudio = output } = rates;
  const cachedAudio = rates.cachedAudio ?? rates.inputAudio ?? cached;
  const audio = Math.min(tokens.promptAudio, tokens.prompt);
  const text = tokens.prompt - audio;
  const cachedText = Math.min(tokens.cached, text);
  const cachedInAudio = Math.min(tokens.cached - cachedText, audio);
  const spoken = Math.min(tokens.completionAudio, tokens.completion);
  const micros =
    (text - cachedText) * input +
    cachedText * cached +
    (audio - cachedInAudio) * inputAudio +
    cachedInAudio * cachedAudio +
    (tokens.completion - spoken) * output +
    spoken * outputAudio;
  return Math.round(micros * NANO_PER_TOKEN);
}

function highestRates(period: PricePeriod): { prompt: number; output: number } {
  const all = [period, ...(period.longPrompts ?? [])];
  const highest = (rates: (one: Rates) => readonly (number | undefined)[]): number =>
    Math.ceil(Math.max(...all.flatMap((one) => rates(one).map((rate) => rate ?? 0))) * NANO_PER_TOKEN);
  return {
    prompt: highest(({ input, cached, inputAudio }) => [input, cached, inputAudio]),
    output: highest(({ output, outputAudio }) => [output, outputAudio]),
  };
}
