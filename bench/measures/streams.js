const CHUNKS = 100;

/** Streams of a hundred chunks: their first byte, the cost of a chunk at a model's pace, and how many fit without any pace. @type {import('./measure.js').Measure} */
export const streams = {
  name: 'streams',
  share: 1,
  subjects: (bench) => bench.proxies(),
  async sample(instance, { load, window, quick }) {
    const short = await load.run(instance, { connections: 4, forMs: window, stream: { chunks: 5, intervalMs: 2 } });
    const paced = await load.run(instance, {
      connections: 64,
      perConnection: quick ? 1 : 2,
      stream: { chunks: CHUNKS, intervalMs: 10 },
    });
    const bursts = await load.run(instance, {
      connections: 32,
      forMs: window,
      stream: { chunks: CHUNKS, intervalMs: 0 },
    });
    return {
      firstByteUs: short.firstByteP50Ms * 1000,
      chunkCpuUs: (paced.cpuMs * 1000) / (paced.requests * CHUNKS),
      burstsPerSecond: bursts.requests / bursts.seconds,
    };
  },
};
