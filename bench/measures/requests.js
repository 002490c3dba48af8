/** Small chats, one answer each: how many, at what cost, how much later than without a proxy. @type {import('./measure.js').Measure} */
export const requests = {
  name: 'requests',
  share: 1,
  subjects: (bench) => bench.proxies(),
  async sample(instance, { load, window }) {
    const one = await load.run(instance, { connections: 1, forMs: window });
    const some = await load.run(instance, { connections: 32, forMs: window });
    const many = await load.run(instance, { connections: 256, forMs: window });
    return {
      p50Us: one.p50Ms * 1000,
      rps1: one.requests / one.seconds,
      rps32: some.requests / some.seconds,
      rps256: many.requests / many.seconds,
      cpuUs: (some.cpuMs * 1000) / some.requests,
    };
  },
};
