import { fileURLToPath } from 'node:url';
import { freePort, startChild } from '../machine/child.js';
import { KEY_HEADER } from './contender.js';

const PROGRAM = fileURLToPath(new URL('../programs/floorProxy.js', import.meta.url));

/** @type {import('./contender.js').Contender} */
export const floor = {
  name: 'floor',
  start: ({ upstreamPort }) => startFloor(upstreamPort),
  startFailing: ({ failingPort, upstreamPort }) => startFloor(failingPort, upstreamPort),
};

async function startFloor(...upstreams) {
  const port = await freePort();
  const child = startChild({ command: process.execPath, args: [PROGRAM, port, ...upstreams].map(String) });
  await child.says(/^ready$/m);
  return { name: floor.name, port, pid: child.pid, headers: KEY_HEADER, stop: child.stop };
}
