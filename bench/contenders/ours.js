import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchFolder, startChild } from '../machine/child.js';
import { CALLER_KEY, KEY_HEADER, MODEL } from './contender.js';

/** Ours behind node:http, bundled like the function app. */
export const ours = asBundled('ours', (world) => world.ours.local);

/**
 * Ours as it was at another commit.
 * @param {string} rev
 */
export const oursAt = (rev) => asBundled(`ours@${rev}`, (world) => world.earlier[rev]);

/**
 * @param {string} name
 * @param {(world: import('./contender.js').World) => string} bundleOf
 * @returns {import('./contender.js').Contender}
 */
function asBundled(name, bundleOf) {
  const startLocal = async (world, firstPort) => {
    const { port, pid, stop } = await startBundle(bundleOf(world), writeConfiguration(firstPort, world.upstreamPort));
    return { name, port, pid, headers: KEY_HEADER, stop };
  };
  return {
    name,
    start: (world) => startLocal(world, world.upstreamPort),
    startFailing: (world) => startLocal(world, world.failingPort),
  };
}

async function startBundle(bundle, file) {
  const args = [bundle, '--port', '0', '--config', file, '--storage', 'memory'];
  const child = startChild({ command: process.execPath, args, env: { ROUTER_API_KEY: CALLER_KEY } });
  const [, port] = await child.says(/^ready http:\/\/127\.0\.0\.1:(\d+)$/m);
  return { port: Number(port), pid: child.pid, stop: child.stop };
}

/** A pool of two deployments that have another name than the pool, so that every body has its `model` changed. */
export function writeConfiguration(firstPort, secondPort) {
  const endpoint = (name, port) => ({
    url: `http://127.0.0.1:${port}`,
    apiKey: `key-of-${name}`,
    api: 'v1',
    deployments: { 'gpt-4.1-global': { model: 'gpt-4.1' } },
  });
  const document = {
    endpoints: { A: endpoint('A', firstPort), B: endpoint('B', secondPort) },
    pools: { [MODEL]: { strategy: 'priority', members: ['A/gpt-4.1-global', 'B/gpt-4.1-global'] } },
    // A breaker that opened would spare the failover that is to be measured.
    breaker: { failures: 1_000_000, windowMs: 1 },
  };
  const file = join(scratchFolder(), `router-${firstPort}-${secondPort}.json`);
  writeFileSync(file, JSON.stringify(document));
  return file;
}
