import { KEY_HEADER } from './contender.js';

/** No proxy at all: what everything else is added to. @type {import('./contender.js').Contender} */
export const direct = {
  name: 'direct',
  start: async ({ upstreamPort }) => ({
    name: 'direct',
    port: upstreamPort,
    pid: null,
    headers: KEY_HEADER,
    stop: () => Promise.resolve(),
  }),
  startFailing: null,
};
