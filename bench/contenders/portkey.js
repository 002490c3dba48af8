/** A gateway that many use in our place, as it comes from npm with the two versions that let it stream on Node at all (its issue #1389). */
import { createRequire } from 'node:module';
import { freePort, startChild, untilListening } from '../machine/child.js';
import { KEY_HEADER } from './contender.js';

const require = createRequire(import.meta.url);

/** @type {import('./contender.js').Contender} */
export const portkey = {
  name: 'Portkey',
  start: ({ upstreamPort }) =>
    startPortkey({ 'x-portkey-provider': 'openai', 'x-portkey-custom-host': baseUrl(upstreamPort) }),
  startFailing: ({ failingPort, upstreamPort }) => {
    const targets = [failingPort, upstreamPort].map((port) => ({
      provider: 'openai',
      api_key: 'key',
      custom_host: baseUrl(port),
    }));
    return startPortkey({ 'x-portkey-config': JSON.stringify({ strategy: { mode: 'fallback' }, targets }) });
  },
};

function baseUrl(port) {
  return `http://127.0.0.1:${port}/v1`;
}

async function startPortkey(headers) {
  const port = await freePort();
  const program = require.resolve('@portkey-ai/gateway/build/start-server.js');
  const child = startChild({ command: process.execPath, args: [program, `--port=${port}`, '--headless'] });
  // Its start-up animation takes a second.
  await child.says(/Ready for connections/);
  await untilListening(port);
  return { name: portkey.name, port, pid: child.pid, headers: { ...KEY_HEADER, ...headers }, stop: child.stop };
}
