/** The proxies that are measured side by side: started when the first measurement wants them, and warmed up. */

/** Long enough for the compiler to have met everything that is used. */
const WARM_MS = 700;

/**
 * @param {Omit<import('./measure.js').Bench, 'proxies' | 'failingProxies'>} facts
 * @returns {import('./measure.js').Bench}
 */
export function createField(facts) {
  const { contenders, world, load } = facts;

  const warm = async (instance) => {
    await load.run(instance, { connections: 32, forMs: WARM_MS });
    await load.run(instance, { connections: 32, forMs: WARM_MS, stream: { chunks: 100, intervalMs: 0 } });
    return instance;
  };

  const once = (start) => {
    let started = null;
    return () => {
      started ??= start();
      return started;
    };
  };

  const startAll = async (startOne) => {
    const instances = [];
    for (const contender of contenders) {
      const instance = startOne(contender);
      if (instance !== null) instances.push(await warm(await instance));
    }
    return instances;
  };

  return {
    ...facts,
    proxies: once(() => startAll((contender) => contender.start(world))),
    failingProxies: once(() => startAll((contender) => contender.startFailing?.(world) ?? null)),
  };
}
