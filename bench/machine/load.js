/** The bench's end of the load generator. */
import { fileURLToPath } from 'node:url';
import { MODEL } from '../contenders/contender.js';
import { startChild } from './child.js';
import { cpuMs, MEASURES_USAGE } from './usage.js';

const PROGRAM = fileURLToPath(new URL('../load/program.js', import.meta.url));

/**
 * @typedef {object} Wanted
 * @property {number} [connections]
 * @property {number | null} [forMs]
 * @property {number | null} [perConnection]
 * @property {'chat' | 'image'} [content]
 * @property {number} [bytes]
 * @property {{ chunks: number, intervalMs: number } | null} [stream]
 *
 * @typedef {import('../load/program.js').Load & { cpuMs: number }} Measured
 */

export function startLoad() {
  const child = startChild({ command: process.execPath, args: [PROGRAM], ipc: true });

  const ask = (kind, job) =>
    new Promise((resolve, reject) => {
      const gone = () => reject(new Error('the load generator ended'));
      child.process.once('exit', gone);
      child.process.once('message', ({ result, error }) => {
        child.process.off('exit', gone);
        if (error === undefined) resolve(result);
        else reject(new Error(error));
      });
      child.process.send({ kind, job });
    });

  return {
    /**
     * Loads one proxy, and says what it used of the processor meanwhile (`NaN` where that cannot be told).
     * @param {import('../contenders/contender.js').Instance} instance
     * @param {Wanted} wanted
     * @returns {Promise<Measured>}
     */
    async run(instance, wanted) {
      const measured = instance.pid !== null && MEASURES_USAGE;
      const before = measured ? cpuMs(instance.pid) : Number.NaN;
      const load = await ask('run', jobFor(instance, wanted)).catch((cause) => {
        throw new Error(`${instance.name}: ${cause.message}`, { cause });
      });
      return { ...load, cpuMs: (measured ? cpuMs(instance.pid) : Number.NaN) - before };
    },
    /** Opens streams and keeps them open until `release`. */
    hold: (instance, wanted) => ask('hold', jobFor(instance, wanted)),
    release: () => ask('release', {}),
    stop: child.stop,
  };
}

const SMALL_BODY = 1_000;

function jobFor({ port, headers }, wanted) {
  const {
    connections = 1,
    forMs = null,
    perConnection = null,
    content = 'chat',
    bytes = SMALL_BODY,
    stream = null,
  } = wanted;
  return { shape: { port, headers, model: MODEL, content, bytes, stream }, connections, forMs, perConnection };
}
