import { createServer } from 'node:http';
import { parentPort } from 'node:worker_threads';

const DIMENSIONS = 768;
const KINDS = 512;

/** An embedding endpoint that costs next to nothing: vectors are made once and handed out in turn. Runs as a worker thread. */
const vectors = Array.from({ length: KINDS }, (_, kind) =>
  JSON.stringify(Array.from({ length: DIMENSIONS }, (_, at) => Math.fround(Math.sin(kind * 31 + at)))),
);

let next = 0;
const server = createServer((request, response) => {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => {
    const { input } = JSON.parse(Buffer.concat(pieces).toString('utf8')) as { input: string[] };
    const data = input.map((_, index) => `{"index":${index},"embedding":${vectors[(next += 1) % KINDS] ?? '[]'}}`);
    response.setHeader('content-type', 'application/json').end(`{"data":[${data.join(',')}]}`);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  parentPort?.postMessage(typeof address === 'object' && address ? address.port : 0);
});
