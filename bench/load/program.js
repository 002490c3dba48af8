/** The load generator, a process of its own: the bench asks over IPC, one job at a time. */
import { Caller } from './caller.js';
import { requestsFor } from './requests.js';

/**
 * @typedef {object} Job
 * @property {import('./requests.js').RequestShape} shape
 * @property {number} connections
 * @property {number | null} forMs Requests are made for this long …
 * @property {number | null} perConnection … or this many on each connection.
 */

/**
 * @typedef {object} Load
 * @property {number} requests Complete answers.
 * @property {number} seconds
 * @property {number} p50Ms
 * @property {number} firstByteP50Ms
 */

/** What a job leaves open: streams that are held while the bench looks at the proxy's memory. */
let held = [];

/** @param {import('./caller.js').Answered} answered */
function check({ status, tail }, stream) {
  if (status !== 200) throw new Error(`answered ${status}: …${tail}`);
  if (stream && !tail.endsWith('data: [DONE]\n\n')) throw new Error(`a stream ended early: …${tail}`);
}

function median(values) {
  const sorted = Float64Array.from(values).sort();
  return sorted.length === 0 ? Number.NaN : sorted[sorted.length >> 1];
}

async function open(port, connections, onLost) {
  const callers = Array.from({ length: connections }, () => new Caller(port, onLost));
  await Promise.all(callers.map((caller) => caller.opened()));
  return callers;
}

/**
 * @param {Job} job
 * @returns {Promise<Load>}
 */
async function run({ shape, connections, forMs, perConnection }) {
  const requests = requestsFor(shape);
  const totals = [];
  const firsts = [];
  const note = ({ totalMs, firstByteMs }) => {
    totals.push(totalMs);
    firsts.push(firstByteMs);
  };
  const lost = Promise.withResolvers();
  const callers = await open(shape.port, connections, lost.reject);
  const startedAt = performance.now();
  const until = {
    count: perConnection ?? Number.POSITIVE_INFINITY,
    endsAt: forMs === null ? Number.POSITIVE_INFINITY : startedAt + forMs,
  };
  const next = () => requests[totals.length % requests.length];
  const streamed = shape.stream !== null;
  try {
    const all = Promise.all(callers.map((caller) => keepAsking(caller, { next, until, note, streamed })));
    await Promise.race([all, lost.promise]);
  } finally {
    for (const caller of callers) caller.close();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  return { requests: totals.length, seconds, p50Ms: median(totals), firstByteP50Ms: median(firsts) };
}

/** One request after the other on one connection, until its share is done. */
function keepAsking(caller, { next, until, note, streamed }) {
  return new Promise((resolve, reject) => {
    let made = 0;
    const ask = () => caller.send(next(), take);
    const take = (answered) => {
      try {
        check(answered, streamed);
      } catch (error) {
        reject(error);
        return;
      }
      note(answered);
      made += 1;
      if (made < until.count && performance.now() < until.endsAt) ask();
      else resolve();
    };
    ask();
  });
}

/** Opens streams and keeps them; done when every one of them has begun. */
async function hold({ shape, connections }) {
  const requests = requestsFor(shape);
  let lost = null;
  held = await open(shape.port, connections, (error) => {
    lost ??= error;
  });
  for (const [index, caller] of held.entries()) caller.send(requests[index % requests.length], () => undefined);
  while (lost === null && held.some((caller) => caller.received === 0)) await pause(20);
  if (lost !== null) throw lost;
}

function release() {
  for (const caller of held) caller.close();
  held = [];
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const KINDS = { run, hold, release };

async function perform({ kind, job }) {
  try {
    return { result: (await KINDS[kind](job)) ?? null };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

process.on('message', (message) => void perform(message).then((outcome) => process.send?.(outcome)));
