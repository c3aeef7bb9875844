import { execFile, spawn } from 'node:child_process';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { z } from 'zod';
import { sandboxFolder } from '../sandbox/stack/stack.ts';
import { type Bench, type Benchmark, row, type Row } from './benchmark.ts';
import { serveFile, writeSource } from './store-source.ts';
import { median, timed } from './timing.ts';

const BYTES = 1_000_000_000;
const ROUNDS = 3;
const LEAST_RATIO = 0.8;
/** Memory may differ by this much between two runs of the same size. */
const MEMORY_TIMES = 1.25;
const DEADLINE_MS = 10 * 60_000;
/** As a worker is started. */
const WORKER_FLAGS = ['--max-semi-space-size=16'];
const run = promisify(execFile);
const child = fileURLToPath(new URL('./store-child.ts', import.meta.url));

const measuredSchema = z.object({ seconds: z.number(), peakBytes: z.number(), bytes: z.number() });
type Measured = z.infer<typeof measuredSchema>;

/** What a snapshot goes through on its way into the store, beside the plainest pipe that does the same. */
export const storing: Benchmark = {
  name: 'store',
  about:
    'downloading a snapshot into the store, hashed, flushed, and encrypted, beside a pipe of curl, sha256sum and age',
  run: async (bench) => {
    const folder = join(sandboxFolder, 'bench', 'store');
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    try {
      return await measure(bench, folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function measure(bench: Bench, folder: string): Promise<Row[]> {
  const bytes = bench.sized(BYTES, 1_000_000);
  const [large, small] = [await writeSource(folder, 'large', bytes), await writeSource(folder, 'small', bytes / 10)];
  const recipient = await identityToRecipient(await generateX25519Identity());
  const server = await serveFile(folder);
  try {
    const url = `${server.url}/${large}`;
    const pipe = `curl -sSf ${url} | tee ${folder}/piped | sha256sum && sync ${folder}/piped`;
    const plain = await compare(
      bench,
      bytes,
      'in clear',
      () => shell(pipe),
      () => store(folder, url),
    );
    const smallOnes = await store(folder, `${server.url}/${small}`);
    const sealed = await compareSealed(bench, { folder, url, bytes, recipient });
    const ok = plain.peak <= MEMORY_TIMES * smallOnes.peakBytes;
    const goal = `<= ${MEMORY_TIMES}`;
    const [ours, limit] = [plain.peak / 1e6, smallOnes.peakBytes / 1e6];
    return [
      rate('store', plain),
      row({ name: 'store-memory', ours, limit, goal, ok, unit: 'MB at the peak, beside a tenth of the size' }),
      rate('store-age', sealed),
    ];
  } finally {
    await server.stop();
  }
}

interface Compared {
  /** Bytes a second. */
  readonly ours: number;
  readonly limit: number;
  /** Bytes of memory. */
  readonly peak: number;
}

function rate(name: string, { ours, limit }: Compared): Row {
  const ok = ours >= LEAST_RATIO * limit;
  return row({ name, ours: ours / 1e6, limit: limit / 1e6, goal: `>= ${LEAST_RATIO}`, ok, unit: 'MB/s' });
}

/** Both in turn, so that what the machine does besides hits both. */
async function compare(
  { say }: Bench,
  bytes: number,
  what: string,
  theirs: () => Promise<number>,
  ours: () => Promise<Measured>,
): Promise<Compared> {
  const [limits, measured]: [number[], Measured[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    limits.push(await theirs());
    measured.push(await ours());
  }
  const [limit, own] = [bytes / median(limits), bytes / median(measured.map(({ seconds }) => seconds))];
  say(`${what}: pipe ${Math.round(limit / 1e6)} MB/s, ours ${Math.round(own / 1e6)} MB/s`);
  return { ours: own, limit, peak: Math.max(...measured.map(({ peakBytes }) => peakBytes)) };
}

async function compareSealed(
  bench: Bench,
  { folder, url, bytes, recipient }: { folder: string; url: string; bytes: number; recipient: string },
): Promise<Compared> {
  const hasAge = await run('age', ['--version']).then(
    () => true,
    () => false,
  );
  bench.say(
    hasAge
      ? 'encryption: beside curl | age'
      : 'encryption: beside the stream of age-encryption, since there is no age on PATH',
  );
  const piped = `curl -sSf ${url} | age -r ${recipient} | tee ${folder}/piped | sha256sum && sync ${folder}/piped`;
  const library = async (): Promise<number> => (await startChild(folder, url, ['library', recipient])).seconds;
  const theirs = hasAge ? (): Promise<number> => shell(piped) : library;
  return compare(bench, bytes, 'encrypted', theirs, () => store(folder, url, recipient));
}

async function shell(line: string): Promise<number> {
  const { seconds, result } = await timed(
    () =>
      new Promise<number | null>((resolve, reject) => {
        const started = spawn('sh', ['-c', line], { stdio: ['ignore', 'ignore', 'inherit'], timeout: DEADLINE_MS });
        started.once('error', reject);
        started.once('close', resolve);
      }),
  );
  if (result !== 0) throw new Error(`${line} ended with ${result ?? 'a signal'}`);
  return seconds;
}

function store(folder: string, url: string, recipient?: string): Promise<Measured> {
  return startChild(folder, url, recipient === undefined ? ['store'] : ['store', recipient]);
}

/** @throws Error when less arrived than was sent: a fast measurement of nothing */
async function startChild(folder: string, url: string, how: readonly string[]): Promise<Measured> {
  const into = join(folder, 'store');
  await rm(into, { recursive: true, force: true });
  const task = join(folder, 'task.json');
  const [way, recipient] = how;
  await writeFile(task, JSON.stringify({ url, directory: into, way, recipient }));
  const { stdout } = await run(process.execPath, [...WORKER_FLAGS, child, task], { timeout: DEADLINE_MS });
  const measured = measuredSchema.parse(JSON.parse(stdout));
  const { size } = await stat(join(folder, basename(url)));
  if (measured.bytes !== size) throw new Error(`${measured.bytes} of ${size} bytes were stored`);
  return measured;
}
