/** What a process and its children have used, from /proc: on Linux only. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

export const MEASURES_USAGE = existsSync('/proc/self/schedstat');

/**
 * CPU time of all threads. `schedstat` counts in nanoseconds, where `stat` has ticks of 10 ms.
 * @param {number} pid
 */
export function cpuMs(pid) {
  let total = 0;
  for (const one of withChildren(pid)) {
    for (const thread of readdirSync(`/proc/${one}/task`)) {
      total += Number(readFileSync(`/proc/${one}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]);
    }
  }
  return total / 1e6;
}

/** @param {number} pid */
export function rssKb(pid) {
  let total = 0;
  for (const one of withChildren(pid)) {
    total += Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${one}/status`, 'utf8'))?.[1] ?? 0);
  }
  return total;
}

/** @returns {number[]} */
function withChildren(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return [pid, ...(children === '' ? [] : children.split(' ').flatMap((child) => withChildren(Number(child))))];
}
