/** Sends the steps of a plan over a real socket, and says how far it came. */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../domain/clock.ts';
import type { Step } from './plan.ts';

export interface Performance {
  /** `left`: the caller went away first. `broken`: a fault ended it. */
  readonly ended: 'complete' | 'left' | 'broken';
  /** The completion tokens of what was sent. */
  readonly tokens: number;
  /** 0 where the answer never began. */
  readonly status: number;
}

export interface Stage {
  readonly response: ServerResponse;
  readonly clock: Clock;
  readonly headers: Readonly<Record<string, string>>;
  /** Sees every byte of the body as it is sent. */
  readonly record: (bytes: Uint8Array) => void;
}

/** Chunks without a pause between them still let the socket tell of a caller who left. */
const CHUNKS_PER_TURN = 16;

export async function perform(steps: Iterable<Step>, stage: Stage): Promise<Performance> {
  const { response } = stage;
  let tokens = 0;
  let chunks = 0;
  const stopped = (ended: Performance['ended']): Performance => ({
    ended,
    tokens,
    status: response.headersSent ? response.statusCode : 0,
  });
  for (const step of steps) {
    if (response.destroyed) return stopped('left');
    switch (step.kind) {
      case 'wait':
        if (step.ms > 0) await pause(step.ms, stage);
        break;
      case 'head':
        response.writeHead(step.status, { ...stage.headers, ...step.headers });
        break;
      case 'body':
        tokens += step.frame.tokens;
        stage.record(step.frame.bytes);
        if (!response.write(step.frame.bytes)) await drained(response);
        else if (++chunks % CHUNKS_PER_TURN === 0) await nextTurn();
        break;
      case 'end':
        return stopped((await ended(response)) ? 'complete' : 'left');
      case 'close':
        await close(response, step.reset);
        return stopped('broken');
      case 'silence':
        if (response.headersSent) response.flushHeaders();
        await closed(response);
        return stopped('broken');
      default:
        step satisfies never;
    }
  }
  return stopped('complete');
}

function pause(ms: number, { clock, response }: Stage): Promise<void> {
  if (response.headersSent) response.flushHeaders();
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      response.off('close', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    response.once('close', done);
  });
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

function closed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => (response.destroyed ? resolve() : response.once('close', () => resolve())));
}

/** True once the last byte has been handed over; false where the caller left before. */
function ended(response: ServerResponse): Promise<boolean> {
  return new Promise((resolve) => {
    response.once('finish', () => resolve(true)).once('close', () => resolve(false));
    response.end();
  });
}

async function close(response: ServerResponse, reset: boolean): Promise<void> {
  const { socket } = response;
  if (!socket) return;
  if (response.headersSent) {
    response.flushHeaders();
    // What was written must leave before the socket goes, or the caller would get less than the fault promised.
    await new Promise<void>((resolve) => socket.write('', () => setImmediate(resolve)));
  }
  if (reset) socket.resetAndDestroy();
  else socket.destroy();
}
