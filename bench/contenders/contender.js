/**
 * What is measured: each contender starts a proxy in front of the fake deployment, in a process of its own.
 *
 * @typedef {object} World
 * @property {number} upstreamPort
 * @property {number} failingPort Answers everything with 503.
 * @property {{ local: string, main: string }} ours Our bundles.
 * @property {Readonly<Record<string, string>>} earlier Our bundles of other commits, by commit.
 * @property {string} nullFunction The null proxy's bundle.
 *
 * @typedef {object} Instance
 * @property {string} name
 * @property {number} port
 * @property {number | null} pid `null`: there is no process between.
 * @property {Readonly<Record<string, string>>} headers What a request needs to be let through.
 * @property {() => Promise<void>} stop
 *
 * @typedef {object} Contender
 * @property {string} name
 * @property {(world: World) => Promise<Instance>} start
 * @property {((world: World) => Promise<Instance>) | null} startFailing The same before a first upstream that fails every request, and a second that serves.
 */

/** The `model` of every request. */
export const MODEL = 'gpt-4.1';

export const CALLER_KEY = 'bench-key';

/** Every client has a key with it; only ours checks it. */
export const KEY_HEADER = { authorization: `Bearer ${CALLER_KEY}` };
