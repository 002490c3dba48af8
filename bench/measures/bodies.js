const KB = 1_000;
const MB = 1_000_000;

/** @type {readonly { metric: string, content: 'chat' | 'image', bytes: number, connections: number }[]} */
const BODIES = [
  { metric: 'body10kMs', content: 'chat', bytes: 10 * KB, connections: 16 },
  { metric: 'body1mMs', content: 'chat', bytes: MB, connections: 4 },
  { metric: 'image1mMs', content: 'image', bytes: MB, connections: 4 },
  { metric: 'image10mMs', content: 'image', bytes: 10 * MB, connections: 2 },
];

/** What reading and passing on a large request costs: chats of many messages, and pictures. @type {import('./measure.js').Measure} */
export const bodies = {
  name: 'bodies',
  share: 1,
  subjects: async (bench) => (await bench.proxies()).filter(({ pid }) => pid !== null),
  async sample(instance, { load, window }) {
    const values = {};
    for (const { metric, ...wanted } of BODIES) {
      const { cpuMs, requests } = await load.run(instance, { ...wanted, forMs: window });
      values[metric] = cpuMs / requests;
    }
    return values;
  },
};
