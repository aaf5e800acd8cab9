import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { runSoak } from '../../soak/live/run.ts';
import { fakeDependencies, fakeOptions } from '../../soak/live/testing/fake-run.ts';
import { connectJournals } from '../../src/cli/connection.ts';
import type { TestProcess } from '../../src/cli/testing/test-process.ts';
import { EXIT, type ViolationKind } from '../../src/core/errors.ts';
import { readCsv } from '../../src/results/csv.ts';
import { Pipeline, producerOf } from './testing/pipeline.ts';
import type { ChunkTampering, SumTampering, Tampering } from './testing/tampering.ts';

const PARTITIONS = 2;
const COMPONENT = fileURLToPath(new URL('./testing/component.js', import.meta.url));

async function begin(
  t: ExecutionContext,
  tampering: Tampering,
): Promise<{ summer: TestProcess; chunker: TestProcess }> {
  const pipeline = new Pipeline(t, PARTITIONS);
  await pipeline.broker();
  const summer = pipeline.summer('summer', { plan: { tampering } });
  await summer.ready();
  return { summer, chunker: pipeline.chunker('chunker') };
}

/** Expects exit 10 after one line that names what broke and where, and the same as an event. */
async function endsWith(
  t: ExecutionContext,
  process: TestProcess,
  expected: { kind: ViolationKind; line: RegExp },
): Promise<void> {
  t.is((await process.exit()).code, EXIT.violation, process.lastMessage);
  t.true(process.lastMessage.startsWith(`violation=${expected.kind} journal=`), process.lastMessage);
  t.regex(process.lastMessage, expected.line);
  t.is(process.stderr.filter((line) => line.includes('violation=')).length, 1);
  const violations = process.events.filter(({ event }) => event === 'violation');
  t.is(violations.length, 1);
  t.like(violations[0], { event: 'violation', kind: expected.kind });
}

const SUMS: Readonly<Record<SumTampering, { says: string; kind: ViolationKind; line: RegExp }>> = {
  'alter-sum': {
    says: 'a sum that was altered, with a right checksum, is mismatched',
    kind: 'mismatched',
    line: /journal=sums offset=\d+ file=[0-9a-f]{32} index=\d+ .*should be/,
  },
  'repeat-sum': {
    says: 'a sum that is repeated under a new index is a duplicate',
    kind: 'duplicate',
    line: /journal=sums offset=\d+ file=[0-9a-f]{32} index=\d+ a second sum/,
  },
  'invent-sum': {
    says: 'a sum of a file that was never completed is a phantom',
    kind: 'phantom',
    line: /journal=sums offset=\d+ file=[0-9a-f]{32} index=\d+ a sum of a file that was never completed/,
  },
};

for (const [tampering, { says, ...expected }] of Object.entries(SUMS)) {
  test.serial(`${says}: the chunker exits 10`, async (t) => {
    const { chunker, summer } = await begin(t, tampering as SumTampering);
    const producer = await producerOf(chunker);
    await endsWith(t, chunker, expected);
    t.true(chunker.lastMessage.includes(`file=${producer}`));
    t.false(summer.isOver);
  });
}

const CHUNKS: Readonly<
  Record<Exclude<ChunkTampering, 'alter-batch-sealed'>, { says: string; kind: ViolationKind; line: RegExp }>
> = {
  'drop-batch': {
    says: 'a batch of chunks that is dropped on the way is a gap in the offsets',
    kind: 'gap',
    line: /journal=chunks\/part-00\d offset=\d+ .*read a batch at \d+, the next is at \d+/,
  },
  'drop-batch-sealed': {
    says: 'a batch of chunks that is dropped, with offsets that close up behind it, is a gap in the indexes',
    kind: 'gap',
    line: /journal=chunks\/part-00\d offset=\d+ index=\d+ records \d+ to \d+ of producer [0-9a-f]{16} are missing/,
  },
  'repeat-batch': {
    says: 'a batch of chunks that is delivered twice is a duplicate',
    kind: 'duplicate',
    line: /journal=chunks\/part-00\d offset=\d+ read a batch at \d+ again/,
  },
  'alter-batch': {
    says: 'a batch of chunks that is altered on the way is corrupt',
    kind: 'corrupt',
    line: /journal=chunks\/part-00\d offset=\d+ the checksum/,
  },
  'alter-record-sealed': {
    says: 'a chunk with a wrong sequence, in a batch whose checksum is right, is a gap that names the file',
    kind: 'gap',
    line: /journal=chunks\/part-00\d offset=\d+ file=\w{32} index=\d+ chunk \d+ of the file came when \d+ was next/,
  },
};

for (const [tampering, { says, ...expected }] of Object.entries(CHUNKS)) {
  test.serial(`${says}: the summer exits 10`, async (t) => {
    const { chunker, summer } = await begin(t, tampering as ChunkTampering);
    await endsWith(t, summer, expected);
    t.false(chunker.isOver);
  });
}

test.serial('chunk data that is altered under a right checksum is mismatched: the chunker exits 10', async (t) => {
  const { chunker } = await begin(t, 'alter-batch-sealed');
  await endsWith(t, chunker, { kind: 'mismatched', line: /journal=sums offset=\d+ file=[0-9a-f]{32}/ });
});

test.serial(
  'a summer whose offset lags behind its state, which no chunker can see, is found by the auditor',
  async (t) => {
    const results = mkdtempSync(join(tmpdir(), 'stream-sum-soak-'));
    t.teardown(() => rmSync(results, { recursive: true, force: true }));
    const options = fakeOptions(results, {
      durationMs: 20_000,
      faults: ['kill'],
      faultIntervalMs: 1_000,
      audit: 'follow',
      chunkers: 1,
      summers: 1,
      partitions: PARTITIONS,
      retentionBytes: 64 * 1024 * 1024,
    });
    const said: string[] = [];
    const { verdict, folder } = await runSoak(options, {
      ...fakeDependencies({}, said),
      connect: (endpoint) => connectJournals(endpoint, 'auditor'),
      launch: { command: process.execPath, argv: [COMPONENT, JSON.stringify({ tampering: 'late-offset' })] },
    });
    t.is(verdict.exitCode, EXIT.violation, said.join('\n'));
    const violations = readCsv(join(folder, 'violations.csv'));
    t.is(violations[0]?.['kind'], 'state-ahead', said.join('\n'));
    t.deepEqual(new Set(violations.map((row) => row['process'])), new Set(['state']));
  },
);

for (const [tampering, kind] of [
  ['repeat-sum', 'duplicate'],
  ['alter-batch', 'corrupt'],
] as const satisfies readonly (readonly [Tampering, ViolationKind])[]) {
  test.serial(`a soak over a summer with ${tampering} is VIOLATED with ${kind} and exits 10`, async (t) => {
    const results = mkdtempSync(join(tmpdir(), 'stream-sum-soak-'));
    t.teardown(() => rmSync(results, { recursive: true, force: true }));
    const options = fakeOptions(results, { durationMs: 60_000, chunkers: 1, summers: 1 });
    const said: string[] = [];
    const { verdict, folder } = await runSoak(options, {
      ...fakeDependencies({}, said),
      launch: { command: process.execPath, argv: [COMPONENT, JSON.stringify({ tampering })] },
    });
    t.is(verdict.exitCode, EXIT.violation, said.join('\n'));
    const violations = readCsv(join(folder, 'violations.csv'));
    t.deepEqual(
      violations.map((row) => row['kind']),
      [kind],
    );
  });
}
