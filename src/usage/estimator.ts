/** What was used where no answer says it: streams that broke off, callers who left. */
import type { Clock } from '../domain/clock.ts';
import type { Deployment } from '../domain/deployment.ts';
import { NO_TOKENS, type Tokens } from '../domain/usage.ts';
import { type Calibration, createCalibration, createMean } from './calibration.ts';
import { completionText } from './completionText.ts';
import type { Estimator, Unsaid } from './port.ts';
import { promptText } from './promptText.ts';
import { encodingOf, loadCount, loadedCount, tokensIn } from './tokenizer.ts';

const BYTES_PER_TOKEN = 4;

/** What is known of a model's own way of counting. */
interface Habit {
  readonly prompt: Calibration;
  readonly completion: Calibration;
  readonly reasoning: ReturnType<typeof createMean>;
}

/** By the tokenizer alone. */
interface Raw {
  /** `null`: the request was not kept. */
  readonly prompt: number | null;
  readonly completion: number;
}

/** An answer that said what was used, kept until the tokenizer is there. */
interface Sample {
  readonly unsaid: Unsaid;
  readonly tokens: Tokens;
}

/** So many answers of each model are kept for the first estimate, and so many models have some. */
const KEPT_SAMPLES = 8;
const MOST_SAMPLED = 64;
/** Larger ones would only take memory and time. */
const LARGEST_SAMPLE = 8 * 1024;
/** With the tokenizer at hand an answer is looked at so often at most: counting takes its time. */
const LEARN_EVERY_MS = 250;

export function createEstimator(clock: Pick<Clock, 'monotonicMs'>): Estimator {
  const habits = new Map<string, Habit>();
  const samples = new Map<string, Sample[]>();
  let learntAt = Number.NEGATIVE_INFINITY;

  const habitOf = (deployment: Deployment): Habit => {
    const known = habits.get(modelOf(deployment));
    if (known !== undefined) return known;
    const habit = { prompt: createCalibration(), completion: createCalibration(), reasoning: createMean() };
    habits.set(modelOf(deployment), habit);
    return habit;
  };
  const learn = ({ unsaid, tokens }: Sample, count: (text: string) => number): void => {
    const raw = rawTokens(unsaid, count);
    const habit = habitOf(unsaid.deployment);
    if (raw.prompt !== null) habit.prompt.learn({ estimated: raw.prompt, used: tokens.prompt });
    if (raw.completion === 0) return;
    habit.completion.learn({ estimated: raw.completion, used: tokens.completion - tokens.reasoning });
    habit.reasoning.learn(tokens.reasoning);
  };
  const learnKept = (deployment: Deployment, count: (text: string) => number): void => {
    const kept = samples.get(modelOf(deployment)) ?? [];
    samples.delete(modelOf(deployment));
    for (const sample of kept) learn(sample, count);
  };
  const keep = (deployment: Deployment, sample: () => Sample): void => {
    const model = modelOf(deployment);
    const kept = samples.get(model) ?? [];
    if (kept.length >= KEPT_SAMPLES || (kept.length === 0 && samples.size >= MOST_SAMPLED)) return;
    const made = sample();
    const size = made.unsaid.answer.length + made.unsaid.requestBytes;
    if (size <= LARGEST_SAMPLE) samples.set(model, [...kept, made]);
  };

  return {
    async estimate(unsaid) {
      const count = await loadCount(encodingFor(unsaid.deployment));
      learnKept(unsaid.deployment, count);
      const raw = rawTokens(unsaid, count);
      const habit = habitOf(unsaid.deployment);
      const prompt = raw.prompt === null ? unsaid.requestBytes / BYTES_PER_TOKEN : raw.prompt * habit.prompt.factor;
      // Reasoning is over before the first word.
      const reasoning = raw.completion === 0 ? 0 : Math.round(habit.reasoning.value);
      const completion = Math.round(raw.completion * habit.completion.factor) + reasoning;
      return { ...NO_TOKENS, prompt: Math.round(prompt), completion, reasoning };
    },
    learn(deployment, make, tokens) {
      const count = loadedCount(encodingFor(deployment));
      if (count === null) return keep(deployment, () => ({ unsaid: make(), tokens }));
      const now = clock.monotonicMs();
      if (now - learntAt < LEARN_EVERY_MS) return;
      learntAt = now;
      learn({ unsaid: make(), tokens }, count);
    },
  };
}

/** What one deployment of a model has told holds for the others. */
function modelOf({ model, id }: Deployment): string {
  return model ?? id;
}

function encodingFor({ model, name }: Deployment): ReturnType<typeof encodingOf> {
  return encodingOf(model ?? name);
}

function rawTokens(unsaid: Unsaid, count: (text: string) => number): Raw {
  const written = completionText(unsaid.answer, unsaid.answerBytes);
  return { prompt: rawPrompt(unsaid, count), completion: tokensIn(written.texts, count) / written.share };
}

function rawPrompt({ request, requestBytes }: Unsaid, count: (text: string) => number): number | null {
  if (request === null) return null;
  const read = promptText(request, requestBytes);
  return (tokensIn(read.texts, count) + read.tokens) / read.share;
}
