/** What a newcomer waits for: `npm start` with nothing configured, to the first completion; beside it, Azurite's table service alone. */
import { fileURLToPath } from 'node:url';
import { startChild } from '../machine/child.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const AZURITE = fileURLToPath(new URL('../programs/azurite.js', import.meta.url));
const LOCAL = ['--port', '0'];
const QUESTION = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hello' }] });

const STARTS = [
  { name: 'npm start', command: 'npm', args: ['start', '--', ...LOCAL], answers: true },
  { name: 'node src/local.ts', command: process.execPath, args: ['src/local.ts', ...LOCAL], answers: true },
  { name: 'Azurite', command: process.execPath, args: [AZURITE], answers: false },
];

/** @type {import('./measure.js').Measure} */
export const npmStart = {
  name: 'npm-start',
  share: 1,
  subjects: () => Promise.resolve(STARTS),
  async sample({ command, args, answers }) {
    const startedAt = performance.now();
    const child = startChild({ command, args, cwd: ROOT });
    try {
      const [, url] = await child.says(answers ? /^ready (http:\S+)$/m : /^(ready)$/m);
      if (answers) await ask(url);
      return { startMs: performance.now() - startedAt };
    } finally {
      await child.stop();
    }
  },
};

async function ask(url) {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body: QUESTION });
  const { choices } = await answer.json();
  if (!answer.ok || choices.length === 0)
    throw new Error(`npm start: the first completion was answered ${answer.status}`);
}
