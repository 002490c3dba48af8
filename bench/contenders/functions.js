/** Inside `@azure/functions`, both bundles in the same stand-in for the worker: ours, and a proxy that does nothing. */
import { fileURLToPath } from 'node:url';
import { startChild } from '../machine/child.js';
import { CALLER_KEY, KEY_HEADER } from './contender.js';
import { writeConfiguration } from './ours.js';

const HOST = fileURLToPath(new URL('../programs/functionsHost.js', import.meta.url));

/** @type {import('./contender.js').Contender} */
export const nullFunction = {
  name: 'null function',
  start: (world) => startFunction(nullFunction.name, world.nullFunction, { UPSTREAM_PORT: String(world.upstreamPort) }),
  startFailing: null,
};

/** @type {import('./contender.js').Contender} */
export const ourFunction = {
  name: 'our function',
  start: (world) => {
    const config = writeConfiguration(world.upstreamPort, world.upstreamPort);
    return startFunction(ourFunction.name, world.ours.main, { ROUTER_CONFIG: config, ROUTER_API_KEY: CALLER_KEY });
  },
  startFailing: null,
};

async function startFunction(name, bundle, env) {
  const child = startChild({ command: process.execPath, args: [HOST, bundle], env });
  const [, port] = await child.says(/^ready http:\/\/localhost:(\d+)\//m);
  return { name, port: Number(port), pid: child.pid, headers: KEY_HEADER, stop: child.stop };
}
