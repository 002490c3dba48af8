/** Runs the measurements: everyone in turn, in a rotated order each round, so that what the machine does meanwhile hits all alike. */
import { performance } from 'node:perf_hooks';

/** @typedef {Map<string, Map<string, number[]>>} Samples By metric, then by subject: one value a round. */

/**
 * @param {import('./measure.js').Measure} measure
 * @param {import('./measure.js').Bench} bench
 * @param {number} rounds
 * @param {Samples} samples
 */
export async function runMeasure(measure, bench, rounds, samples) {
  const subjects = await measure.subjects(bench);
  const startedAt = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < subjects.length; turn += 1) {
      const subject = subjects[(turn + round) % subjects.length];
      const values = await measure.sample(subject, bench).catch((error) => missed(measure, subject, error));
      for (const [metric, value] of Object.entries(values)) keep(samples, metric, subject.name, round, value);
    }
  }
  const seconds = (performance.now() - startedAt) / 1000;
  console.error(`${measure.name}: ${subjects.length} in ${rounds} rounds, ${seconds.toFixed(0)} s`);
}

/** One that fails at something is left out there; the others' figures are still good. */
function missed(measure, subject, error) {
  console.error(`${measure.name}: ${subject.name} failed: ${error.message}`);
  process.exitCode = 1;
  return {};
}

function keep(samples, metric, subject, round, value) {
  const bySubject = samples.get(metric) ?? new Map();
  const values = bySubject.get(subject) ?? [];
  values[round] = value;
  samples.set(metric, bySubject.set(subject, values));
}
