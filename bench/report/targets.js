import { ratioOf } from './metrics.js';

/**
 * @typedef {object} Target
 * @property {string} title
 * @property {string} sampled
 * @property {boolean} [added]
 * @property {string} [subject]
 * @property {string} [base]
 * @property {'at most' | 'at least'} sense
 * @property {number} limit
 *
 * @typedef {object} Verdict
 * @property {Target} target
 * @property {number} ratio
 * @property {string} text
 */

/** @type {readonly Target[]} */
const TARGETS = [
  { title: 'CPU per request', sampled: 'cpuUs', sense: 'at most', limit: 1.5 },
  { title: 'req/s at 32 connections', sampled: 'rps32', sense: 'at least', limit: 0.7 },
  { title: 'req/s at 32 connections', sampled: 'rps32', base: 'Portkey', sense: 'at least', limit: 8 },
  { title: 'added p50', sampled: 'p50Us', added: true, sense: 'at most', limit: 1.5 },
  { title: 'stream CPU per chunk', sampled: 'chunkCpuUs', sense: 'at most', limit: 1.3 },
  { title: 'streams without interval', sampled: 'burstsPerSecond', sense: 'at least', limit: 0.6 },
  { title: 'RSS per slow stream', sampled: 'rssKb', sense: 'at most', limit: 1.5 },
  { title: 'CPU per 1 MB chat', sampled: 'body1mMs', sense: 'at most', limit: 0.6 },
  { title: 'added p50 of one failover', sampled: 'failoverUs', sense: 'at most', limit: 1.5 },
  {
    title: 'CPU per request',
    sampled: 'cpuUs',
    subject: 'our function',
    base: 'null function',
    sense: 'at most',
    limit: 1.3,
  },
  {
    title: 'cold start to the first answer',
    sampled: 'coldStartMs',
    subject: 'our function',
    base: 'null function',
    sense: 'at most',
    limit: 1.5,
  },
  {
    title: 'start to the first completion',
    sampled: 'startMs',
    subject: 'npm start',
    base: 'Azurite',
    sense: 'at most',
    limit: 1.5,
  },
];

/**
 * @param {import('../measures/rounds.js').Samples} samples
 * @returns {Verdict[]}
 */
export function verdicts(samples) {
  return TARGETS.flatMap((given) => {
    const target = { added: false, subject: 'ours', base: 'floor', ...given };
    const ratio = ratioOf(samples, target, target.subject, target.base);
    return Number.isNaN(ratio) ? [] : [{ target, ratio, text: verdict(target, ratio) }];
  });
}

function verdict({ sense, limit }, ratio) {
  const met = sense === 'at most' ? ratio <= limit : ratio >= limit;
  const off = Math.abs(ratio / limit - 1) * 100;
  return met ? `met, ${off.toFixed(1)} % to spare` : `missed by ${off.toFixed(1)} %`;
}
