import { fileURLToPath } from 'node:url';
import { startChild } from '../machine/child.js';

const PROGRAM = fileURLToPath(new URL('../upstream/program.js', import.meta.url));

export async function startUpstream() {
  const child = startChild({ command: process.execPath, args: [PROGRAM] });
  const [, good, failing] = await child.says(/^ready (\d+) (\d+)$/m);
  return { upstreamPort: Number(good), failingPort: Number(failing) };
}
