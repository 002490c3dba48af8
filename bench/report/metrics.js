/**
 * The lines of the table, from what was sampled.
 *
 * @typedef {object} Metric
 * @property {string} key
 * @property {string} title
 * @property {string} sampled The samples it is made of.
 * @property {boolean} added Less what the same takes without a proxy, in the same round.
 * @property {number} digits
 */

const line = (sampled, title, { added = false, digits = 0 } = {}) => ({
  key: added ? `${sampled} added` : sampled,
  title,
  sampled,
  added,
  digits,
});

/** @type {readonly Metric[]} */
export const METRICS = [
  line('rps1', 'req/s, 1 connection'),
  line('rps32', 'req/s, 32 connections'),
  line('rps256', 'req/s, 256 connections'),
  line('cpuUs', 'CPU µs per request, 32 connections'),
  line('p50Us', 'added p50 µs, 1 connection', { added: true }),
  line('firstByteUs', 'stream: first byte added µs', { added: true }),
  line('chunkCpuUs', 'stream: CPU µs per chunk', { digits: 1 }),
  line('burstsPerSecond', 'streams/s of 100 chunks without interval'),
  line('rssKb', 'RSS KB per slow stream, 500 open'),
  line('body10kMs', 'CPU ms per request, 10 KB chat', { digits: 3 }),
  line('body1mMs', 'CPU ms per request, 1 MB chat', { digits: 2 }),
  line('image1mMs', 'CPU ms per request, 1 MB image', { digits: 2 }),
  line('image10mMs', 'CPU ms per request, 10 MB image', { digits: 1 }),
  line('failoverUs', 'one failover: added p50 µs'),
  line('failoverCpuUs', 'one failover: added CPU µs'),
  line('coldStartMs', 'cold start to the first answer, ms'),
];

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = values.filter((value) => Number.isFinite(value)).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * One subject's values, a round each.
 * @param {import('../measures/rounds.js').Samples} samples
 * @param {{ sampled: string, added: boolean }} metric
 * @param {string} subject
 * @returns {readonly number[]}
 */
export function valuesOf(samples, { sampled, added }, subject) {
  const bySubject = samples.get(sampled);
  const values = bySubject?.get(subject) ?? [];
  if (!added) return values;
  const without = bySubject?.get('direct') ?? [];
  return subject === 'direct' ? [] : values.map((value, round) => value - without[round]);
}

/** The median of the rounds' ratios: each compares what was measured close together. */
export function ratioOf(samples, metric, subject, base) {
  const values = valuesOf(samples, metric, subject);
  const bases = valuesOf(samples, metric, base);
  return median(values.map((value, round) => value / bases[round]));
}
