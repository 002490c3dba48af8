import { MEASURES_USAGE, rssKb } from '../machine/usage.js';

const STREAMS = 500;
const SLOW = { chunks: 1_000, intervalMs: 250 };
const SETTLE_MS = 500;
const LOOKS = 5;

/** Memory of a proxy that holds many slow streams at once; a fresh process each time, as an old one has room to spare. @type {import('./measure.js').Measure} */
export const slowStreams = {
  name: 'slow-streams',
  share: 0.5,
  subjects: async (bench) => (MEASURES_USAGE ? bench.contenders.filter(({ name }) => name !== 'direct') : []),
  async sample(contender, { load, world, window, quick }) {
    const instance = await contender.start(world);
    try {
      await load.run(instance, { connections: 32, forMs: window });
      await load.run(instance, { connections: 32, perConnection: 4, stream: { chunks: 20, intervalMs: 5 } });
      await pause(SETTLE_MS);
      const before = rssKb(instance.pid);
      await load.hold(instance, { connections: STREAMS, stream: SLOW });
      const looks = [];
      for (let look = 0; look < (quick ? 1 : LOOKS); look += 1) {
        await pause(SETTLE_MS);
        looks.push(rssKb(instance.pid));
      }
      return { rssKb: (Math.max(...looks) - before) / STREAMS };
    } finally {
      await load.release();
      await instance.stop();
    }
  },
};

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
