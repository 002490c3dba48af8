/**
 * @typedef {object} Bench
 * @property {readonly import('../contenders/contender.js').Contender[]} contenders
 * @property {import('../contenders/contender.js').World} world
 * @property {ReturnType<typeof import('../machine/load.js').startLoad>} load
 * @property {boolean} quick
 * @property {number} window How long one load lasts, in ms.
 * @property {() => Promise<import('../contenders/contender.js').Instance[]>} proxies All contenders, running and warm.
 * @property {() => Promise<import('../contenders/contender.js').Instance[]>} failingProxies Those that can fail over, before a first upstream that fails.
 *
 * @typedef {object} Measure
 * @property {string} name
 * @property {number} share Of the rounds: cheap or noisy measurements have more.
 * @property {(bench: Bench) => Promise<{ name: string }[]>} subjects
 * @property {(subject: any, bench: Bench) => Promise<Record<string, number>>} sample One round's values, by metric.
 */

export {};
