import { describe, expect, it } from 'vitest';
import { fanOut } from '../../src/telemetry/fanOut.ts';
import { createLog } from '../../src/telemetry/log.ts';
import type { Journal } from '../../src/telemetry/port.ts';
import { connected } from './insights/ingestion.ts';
import { FAILED_OVER, REFUSED, record } from './records.ts';

const CANARIES = {
  prompt: 'canary-prompt-my-knee-hurts',
  key: 'canary-key-0123456789abcdef',
  header: 'canary-header-value',
  address: '203.0.113.77',
  url: 'https://one.openai.azure.com/?code=canary-query',
};
const ALL = Object.values(CANARIES).join(' | ');

/** What is thrown may quote everything there is. */
function errors(): unknown[] {
  const wild = new Error(ALL, { cause: new Error(ALL) });
  const named = Object.assign(new Error(`${ALL}\n    at ${ALL}:1:1`), {
    name: ALL,
    code: ALL,
    request: { headers: { 'api-key': CANARIES.key }, body: CANARIES.prompt },
  });
  return [wild, named, new AggregateError([wild], ALL), ALL, { message: ALL }, [ALL], null];
}

function tellEverything(journal: Journal): void {
  const place = { requestId: 'request-1', deployment: 'A/gpt-4.1' } as const;
  journal.attemptFailed({ ...place, agent: 'a', outcome: 'failing', cause: 'status 500', retryAfterMs: null });
  journal.retrying({ requestId: 'request-1', agent: 'a', from: 'A/gpt-4.1', to: 'B/gpt-4.1', cause: 'failing' });
  for (const one of [record(), FAILED_OVER, REFUSED]) {
    // What a record has no word for is not told, even where somebody hands it in.
    const more = { ...one, body: ALL, headers: [ALL], url: CANARIES.url, address: CANARIES.address };
    journal.requestEnded({ ...more, tokens: Object.assign({ ...one.tokens }, { text: ALL }) });
  }
  for (const error of errors()) journal.fault({ requestId: 'request-1', error });
  journal.storeLost({ problem: `failed: ${'the service is busy'}` });
}

describe('privacy', () => {
  it('holds in every log line and every envelope: no prompt, key, header, address or query leaves', async () => {
    const lines: string[] = [];
    const { journal, ingestion, close } = await connected();
    const log = createLog(
      (line) => lines.push(line),
      () => Date.UTC(2026, 10, 21),
    );
    tellEverything(fanOut([log, journal]));
    await close();
    expect(lines.length).toBeGreaterThan(10);
    expect(ingestion.envelopes.length).toBeGreaterThan(10);
    for (const canary of Object.values(CANARIES)) {
      expect(lines.join('\n')).not.toContain(canary);
      expect(ingestion.text).not.toContain(canary);
    }
  });

  it('holds for what the store said when it was lost: only the kind of its failure leaves', async () => {
    const { journal, ingestion, close } = await connected();
    journal.storeLost({ problem: `denied: ${ALL}` });
    await close();
    expect(ingestion.events[0]?.properties['problem']).toBe('denied');
    expect(ingestion.text).not.toContain('canary');
  });

  it('holds for causes: they are cut to a few words', async () => {
    const { journal, ingestion, close } = await connected();
    const cause = `status 500 ${'x'.repeat(400)}`;
    journal.happened({ kind: 'opened', deployment: 'A/gpt-4.1', until: null, cause, at: Date.now(), instance: 'i' });
    await close();
    expect(ingestion.events[0]?.properties['cause']).toHaveLength(120);
  });
});
