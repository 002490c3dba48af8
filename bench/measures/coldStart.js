/** From the start of the process to the end of its first answer: the bundle of the function app in the stand-in for the worker. @type {import('./measure.js').Measure} */
export const coldStart = {
  name: 'cold-start',
  share: 2,
  subjects: async (bench) => bench.contenders.filter(({ name }) => name.endsWith('function')),
  async sample(contender, { load, world }) {
    const startedAt = performance.now();
    const instance = await contender.start(world);
    try {
      await load.run(instance, { perConnection: 1 });
      return { coldStartMs: performance.now() - startedAt };
    } finally {
      await instance.stop();
    }
  },
};
