/** Planted faults in a real pipeline, each with the process that must find it, and with what that process must say. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { runSoak } from '../../../soak/live/run.ts';
import { fakeDependencies, fakeOptions } from '../../../soak/live/testing/fake-run.ts';
import { type TestProcess, temporaryFolder } from '../../../src/cli/testing/test-process.ts';
import { EXIT, type ViolationKind } from '../../../src/core/errors.ts';
import { readCsv } from '../../../src/results/csv.ts';
import { Pipeline, producerOf } from './pipeline.ts';
import type { ChunkTampering, SumTampering, Tampering } from './tampering.ts';

export const PARTITIONS = 2;
export const COMPONENT: string = fileURLToPath(new URL('./component.js', import.meta.url));

/** A summer finds these. */
export type SummersTampering = Exclude<ChunkTampering, 'alter-batch-sealed'>;
/** These are in `violations.test.ts`, the others in its deep part. */
export const QUICK = { ofSums: 'alter-sum', ofChunks: 'drop-batch' } as const;

type Row = { says: string; kind: ViolationKind; line: RegExp };

export async function begin(
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
export async function endsWith(
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

const SUMS: Readonly<Record<SumTampering, Row>> = {
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

const CHUNKS: Readonly<Record<SummersTampering, Row>> = {
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

/** A test that the chunker finds what happened to a sum. */
export function chunkerFinds(tampering: SumTampering): void {
  const { says, ...expected } = SUMS[tampering];
  test.serial(`${says}: the chunker exits 10`, async (t) => {
    const { chunker, summer } = await begin(t, tampering);
    const producer = await producerOf(chunker);
    await endsWith(t, chunker, expected);
    t.true(chunker.lastMessage.includes(`file=${producer}`));
    t.false(summer.isOver);
  });
}

/** A test that the summer finds what happened to a batch of chunks. */
export function summerFinds(tampering: SummersTampering): void {
  const { says, ...expected } = CHUNKS[tampering];
  test.serial(`${says}: the summer exits 10`, async (t) => {
    const { chunker, summer } = await begin(t, tampering);
    await endsWith(t, summer, expected);
    t.false(chunker.isOver);
  });
}

/** A test that a soak in which a component finds this fault is violated. */
export function soakIsViolated(tampering: Tampering, kind: ViolationKind): void {
  test.serial(`a soak over a summer with ${tampering} is VIOLATED with ${kind} and exits 10`, async (t) => {
    const options = fakeOptions(temporaryFolder(t), { durationMs: 60_000, chunkers: 1, summers: 1 });
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
