/** A second attempt behind a first that fails: what it adds to a request on an idle proxy. @type {import('./measure.js').Measure} */
export const failover = {
  name: 'failover',
  share: 2,
  async subjects(bench) {
    const usual = await bench.proxies();
    const failing = await bench.failingProxies();
    return failing.map((instance) => ({ ...instance, usual: usual.find(({ name }) => name === instance.name) }));
  },
  async sample(instance, { load, window }) {
    const usual = await load.run(instance.usual, { connections: 1, forMs: window });
    const failing = await load.run(instance, { connections: 1, forMs: window });
    return {
      failoverUs: (failing.p50Ms - usual.p50Ms) * 1000,
      failoverCpuUs: (failing.cpuMs / failing.requests - usual.cpuMs / usual.requests) * 1000,
    };
  },
};
