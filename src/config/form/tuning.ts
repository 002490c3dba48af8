/** Numbers: when to wait, for how long, how much of it. */
import * as z from 'zod/mini';
import { decimal, optionalSection, wholeNumber } from './settings.ts';

/** Azure's front end ends a request that has not begun to answer after 230 s; the rest is for our own answer. */
const LONGEST_DEADLINE_MS = 225_000;
const DAY_MS = 86_400_000;

const ms = (min: number, max: number, about: string) => wholeNumber({ min, max }, about);

export const tuning = {
  breaker: optionalSection(
    {
      failures: z._default(ms(1, 1_000_000, 'Failures within `windowMs` that open the breaker of a deployment.'), 5),
      windowMs: z._default(ms(1, DAY_MS, 'How long a failure counts.'), 60_000),
      openMs: z._default(
        ms(0, DAY_MS, 'How long a deployment rests the first time; each failed probe doubles it.'),
        30_000,
      ),
      maxOpenMs: z._default(
        ms(0, DAY_MS, 'The longest rest. If only one of `openMs` and `maxOpenMs` is given, the other gives way to it.'),
        300_000,
      ),
      refreshMs: z._default(ms(10, 60_000, 'How often an instance looks for what the others have learnt.'), 1_000),
    },
    'When a failing deployment is left alone, and for how long.',
  ),
  timeouts: optionalSection(
    {
      deadlineMs: z._default(
        ms(
          1,
          LONGEST_DEADLINE_MS,
          "From the arrival of a request to the first byte of its answer, all attempts together. Azure's front end gives up after 230 s.",
        ),
        200_000,
      ),
      connectMs: z._default(ms(1, LONGEST_DEADLINE_MS, 'Longest wait for a connection to an endpoint.'), 3_000),
      firstTokenMs: z._default(
        ms(
          1,
          LONGEST_DEADLINE_MS,
          'Longest wait for the first content of a stream before another deployment is tried.',
        ),
        60_000,
      ),
      answerMs: z._default(
        z
          .nullable(ms(1, LONGEST_DEADLINE_MS, "Longest wait for one attempt's whole unstreamed answer."))
          .check(
            z.describe(
              "Longest wait for one attempt's whole unstreamed answer. `null`: half of what is left of the deadline while others could still serve.",
            ),
          ),
        null,
      ),
      streamIdleMs: z._default(ms(1, 3_600_000, 'Longest silence within a stream.'), 60_000),
      streamMaxMs: z._default(ms(1, 3_600_000, 'Longest life of a stream.'), 600_000),
      heartbeatMs: z._default(
        ms(0, LONGEST_DEADLINE_MS, 'How often a silent stream gets a comment line to keep it open. 0: never.'),
        15_000,
      ),
    },
    'How long to wait for what.',
  ),
  retries: optionalSection(
    {
      sameDeployment: z._default(
        wholeNumber({ min: 0, max: 20 }, 'Repeats on the same deployment when there is no other to go to.'),
        2,
      ),
      baseMs: z._default(
        ms(0, LONGEST_DEADLINE_MS, 'Wait before the first repeat; doubled each time, with jitter.'),
        500,
      ),
      maxMs: z._default(ms(0, LONGEST_DEADLINE_MS, 'Longest wait before a repeat.'), 8_000),
      budgetPercent: z._default(
        wholeNumber(
          { min: 0, max: 100 },
          'Repeats and attempts beyond the third, as a share of requests. The first failover is never denied.',
        ),
        20,
      ),
    },
    'When the same deployment is tried again.',
  ),
  cache: optionalSection(
    {
      ttlMs: z._default(ms(0, 30 * DAY_MS, 'How long an answer may be used again.'), 300_000),
      maxMb: z._default(decimal({ min: 0, max: 4_096 }, 'Memory for cached answers in each instance, in MB.'), 64),
    },
    'The response cache, for pools with `cache: true`.',
  ),
  limits: optionalSection(
    {
      bodyMb: z._default(decimal({ min: 0.001, max: 200 }, 'Largest request body, in MB.'), 32),
      headerCount: z._default(wholeNumber({ min: 1, max: 2_000 }, 'Most headers of a request.'), 100),
      headerKb: z._default(decimal({ min: 1, max: 1_024 }, 'All headers of a request together, in kB.'), 32),
      jsonDepth: z._default(wholeNumber({ min: 1, max: 10_000 }, "Deepest nesting of a request's JSON."), 128),
    },
    'Bounds on what callers may send.',
  ),
};
