/**
 * The fake deployment, on raw sockets so that it costs less than any proxy. One port serves, the other always fails with 503.
 * How a stream is to come stands in the request's `user`, which every proxy passes on: `c100i10`, a hundred chunks, one each 10 ms.
 */
import { createServer } from 'node:net';
import { MessageReader } from '../wire/reader.js';
import { burst, CHUNK, COMPLETION, FAILURE, FIRST_CHUNK, LAST_CHUNK, STREAM_HEAD } from './answers.js';

/** What steers the answer stands at the beginning of small bodies; no more of them is looked at. */
const READ_BYTES = 4096;
const STREAM = /"user":\s*"c(\d+)i(\d+)"/;

const bursts = new Map();

function burstOf(chunks) {
  let bytes = bursts.get(chunks);
  if (bytes === undefined) {
    bytes = burst(chunks);
    bursts.set(chunks, bytes);
  }
  return bytes;
}

/** @param {import('node:net').Socket} socket */
function answer(socket, asked) {
  const stream = STREAM.exec(asked);
  if (stream === null) socket.write(COMPLETION);
  else if (Number(stream[2]) === 0) socket.write(burstOf(Number(stream[1])));
  else pace(socket, Number(stream[1]), Number(stream[2]));
}

function pace(socket, chunks, intervalMs) {
  let sent = 1;
  socket.write(Buffer.concat([STREAM_HEAD, FIRST_CHUNK]));
  const timer = setInterval(() => {
    if (socket.destroyed) {
      clearInterval(timer);
      return;
    }
    sent += 1;
    socket.write(sent === chunks ? LAST_CHUNK : CHUNK);
    if (sent === chunks) clearInterval(timer);
  }, intervalMs);
}

function serve(respond) {
  return createServer({ noDelay: true }, (socket) => {
    let asked = '';
    const reader = new MessageReader({
      onHead: () => {
        asked = '';
      },
      onBody: (bytes) => {
        if (asked.length < READ_BYTES) asked += bytes.latin1Slice(0, Math.min(bytes.length, READ_BYTES));
      },
      onEnd: () => respond(socket, asked),
    });
    socket.on('data', (bytes) => reader.push(bytes));
    // A proxy that is stopped resets its connections.
    socket.on('error', () => socket.destroy());
  });
}

function listen(server) {
  return new Promise((resolve) => {
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => resolve(server.address().port));
  });
}

const good = await listen(serve(answer));
const failing = await listen(serve((socket) => socket.write(FAILURE)));
console.log(`ready ${good} ${failing}`);
