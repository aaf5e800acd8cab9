/** Another process writes under the chunker's producer id: before its stream, in it and behind it. */

import test, { type ExecutionContext } from 'ava';
import { ViolationError } from '../core/errors.ts';
import { crc32c } from '../hash/crc32c.ts';
import { chunkJournal } from '../journal/journals.ts';
import { type BatchKind, encodeBatch } from '../message/batch.ts';
import { encodeChunk, fileIdOf } from '../message/chunk.ts';
import { ChunkerBench } from './testing/chunker-bench.ts';
import { holds, phaseOf, recordsOf } from './testing/chunker-claims.ts';

const JOURNAL = chunkJournal(1);
/** The number of a file that no chunker of a bench opens. */
const FOREIGN_FILE = 3_000;
/** The producer of the first life of a bench. */
const PRODUCER = (0x8000_0001).toString(16).padEnd(16, '0');

/** Appends a record where the journal expects the producer's next one: a chunk, a whole empty file, or its end. */
function intrude(bench: ChunkerBench, what: 'chunk' | 'file' | 'end', producer = PRODUCER): void {
  const firstIndex = bench.journals.journal(JOURNAL).producer(producer).next;
  const kind: BatchKind = what === 'end' ? 'end' : 'chunks';
  const data = Buffer.alloc(what === 'chunk' ? 8 : 0);
  const record = encodeChunk({ fileId: fileIdOf(producer, FOREIGN_FILE), sequence: 1, data });
  const payload = what === 'end' ? new Uint8Array(0) : record;
  bench.journals.append(
    JOURNAL,
    encodeBatch({ kind, producer, firstIndex, count: 1, epoch: 0 }, payload, JOURNAL, crc32c),
  );
}

async function isPhantom(t: ExecutionContext, bench: ChunkerBench, message: string): Promise<void> {
  const error = await bench.untilFailed();
  t.true(error instanceof ViolationError, `${message}: ${String(error)}`);
  if (error instanceof ViolationError) t.is(error.kind, 'phantom', `${message}: ${error.line}`);
  t.is(bench.failures.length, 1, message);
  t.is(bench.drained, 0, message);
}

test('records behind the stream are a phantom while its sums are awaited, with their sum and without', async (t) => {
  for (const what of ['chunk', 'file'] as const) {
    for (const ended of [false, true]) {
      const bench = new ChunkerBench({ fileCount: 4 });
      bench.summer.isPaused = true;
      bench.start();
      await bench.clock.advance(500);
      t.is(bench.chunker.counts.sumsOutstanding, 4);
      intrude(bench, what);
      if (ended) intrude(bench, 'end');
      bench.summer.resume();
      await isPhantom(t, bench, `${what}, ended ${ended}`);
    }
  }
});

test("records after a chunker's last record are a phantom, before and after its end has been sent", async (t) => {
  for (const what of ['chunk', 'file'] as const) {
    const bench = new ChunkerBench({ fileCount: 4 });
    bench.fate = (journal, { kind }) => {
      if (kind === 'end' && journal === JOURNAL) intrude(bench, what);
      return null;
    };
    bench.start();
    await isPhantom(t, bench, what);
    t.is(phaseOf(bench), 'ending');
  }
});

test('records behind the stream of a chunker that died while it ended are a phantom at its next start', async (t) => {
  for (const what of ['chunk', 'file'] as const) {
    for (const ended of [false, true]) {
      const bench = new ChunkerBench({ fileCount: 4 });
      bench.fate = (_journal, { kind }) => (kind === 'end' ? 'lost' : null);
      bench.start();
      await bench.clock.until(() => bench.sent.some(({ kind }) => kind === 'end'));
      bench.kill();
      bench.fate = () => null;
      intrude(bench, what);
      if (ended) intrude(bench, 'end');
      bench.start();
      await isPhantom(t, bench, `${what}, ended ${ended}`);
    }
  }
});

test('records before the stream are a phantom, and nothing of the stream is taken for sent', async (t) => {
  for (const rate of [null, 100]) {
    const bench = new ChunkerBench({ fileCount: 50, rate });
    intrude(bench, 'chunk');
    bench.start();
    await isPhantom(t, bench, `rate ${rate}`);
  }
});

test('a record within the stream is a phantom as soon as the journal answers with its index', async (t) => {
  for (const restarts of [false, true]) {
    const bench = new ChunkerBench({ fileCount: null, rate: 500 });
    bench.start();
    await bench.clock.advance(3_000);
    if (restarts) {
      bench.restart();
      // Until the chunker has passed all that the dead incarnation had reserved.
      await bench.clock.advance(6_000);
    }
    t.deepEqual(bench.failures, []);
    const before = recordsOf(bench);
    intrude(bench, 'chunk');
    await isPhantom(t, bench, `restarts ${restarts}`);
    t.true(before > 1_000);
  }
});

test('a dead incarnation whose records are beyond what it had reserved is none', async (t) => {
  const bench = new ChunkerBench({ fileCount: null, rate: 100 });
  bench.start();
  await bench.clock.advance(2_000);
  bench.kill();
  for (let more = 0; more < 5_000; more += 1) intrude(bench, 'chunk');
  bench.start();
  await isPhantom(t, bench, 'beyond');
});

test('its own end that was recorded is answered `ended`, whoever asks again, and it drains', async (t) => {
  for (const restarts of [false, true]) {
    const bench = new ChunkerBench({ fileCount: 4 });
    const unanswered = new Set<string>();
    bench.fate = (journal, { kind }) => {
      if (kind !== 'end' || unanswered.has(journal)) return null;
      unanswered.add(journal);
      return 'unanswered';
    };
    bench.start();
    await bench.clock.until(() => bench.hasEnded(PRODUCER));
    if (restarts) bench.restart();
    await bench.untilDrained();
    holds(t, bench);
  }
});

test('the file of a dead incarnation is verified although no journal has room for new chunks', async (t) => {
  const bench = new ChunkerBench({ fileCount: 500, rate: 2_000, batchBytes: 4_000 });
  bench.summer.isPaused = true;
  bench.start();
  await bench.clock.advance(900);
  bench.kill();
  t.true(bench.summer.waiting > 100);
  // The other partition is full for good. With smaller batches it holds less than the dead incarnation had sent.
  bench.loseFrom(0, PRODUCER, 0);
  bench.fate = (journal) => (journal === chunkJournal(0) ? 'refused' : null);
  bench.batchBytes = 200;
  bench.summer.alter = (sum) =>
    bench.workload.partitionOf(Number.parseInt(sum.fileId.slice(16), 16)) === 1 ? [sum] : [];
  bench.summer.resume();
  bench.start();
  await bench.clock.advance(5_000);
  t.deepEqual(bench.failures, []);
  const ofOne = bench.verified.filter((file) => bench.workload.partitionOf(file) === 1);
  t.true(ofOne.length > 50, `${ofOne.length} verified`);
});
