/** When a process should end without having been told so. */

const LOOK_EVERY_MS = 250;

/** Read at once: the parent may be gone by the time somebody asks. */
const PARENT = process.ppid;

/**
 * Calls `fn` once the process's parent is gone. npm passes a signal on to the shell it started, and the shell dies of it
 * without passing it on: what runs under `npm start` would outlive it and keep its port.
 */
export function onOrphaned(fn: () => void): void {
  const look = setInterval(() => {
    if (process.ppid === PARENT) return;
    clearInterval(look);
    fn();
  }, LOOK_EVERY_MS);
  look.unref();
}
