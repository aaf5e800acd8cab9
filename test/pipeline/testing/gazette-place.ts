/** Chunkers and summers as real processes on a cluster of real Gazette brokers. */

import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { TestProcess, temporaryFolder } from '../../../src/cli/testing/test-process.ts';
import { EXIT } from '../../../src/core/errors.ts';
import type { Cluster } from '../../../soak/cluster/cluster.ts';
import type { Replayed } from '../../../src/summer/state-rebuild.ts';

export const PARTITIONS = 2;
const WORK = ['--files', '20', '--chunks', '0..40', '--chunk-bytes', '1..2000', '--seed', '5'];

export type Place = { readonly folder: string; readonly at: readonly string[] };

/** A client may be given any broker, except one that the test kills. */
export function placeOf(t: ExecutionContext, cluster: Cluster): Place {
  const [journals = ''] = cluster.brokerAddresses;
  const [etcd = ''] = cluster.etcdAddresses;
  return { folder: temporaryFolder(t), at: ['--journals', journals, '--etcd', etcd] };
}

/** `name`: of its folder. */
export function startSummer(
  t: ExecutionContext,
  { folder, at }: Place,
  { name = 'summer', rest = [] }: { readonly name?: string; readonly rest?: readonly string[] } = {},
): TestProcess {
  const partitions = ['--partitions', `0-${PARTITIONS - 1}`];
  return new TestProcess(t, ['summer', '--data', join(folder, name), ...at, ...partitions, ...rest, '--supervised']);
}

export function startChunker(t: ExecutionContext, { folder, at }: Place, rest: readonly string[]): TestProcess {
  return new TestProcess(t, ['chunker', '--data', join(folder, 'chunker'), ...at, ...WORK, ...rest, '--supervised']);
}

/** Resolves when the chunker has verified more files than this. */
export async function verified(chunker: TestProcess, least: number): Promise<void> {
  await chunker.progress((progress) =>
    progress.component === 'chunker' && progress.verifiedTotal > least ? true : undefined,
  );
}

/** Ends a chunker that has no count: it has verified every file that it completed. */
export async function drainsAll(t: ExecutionContext, chunker: TestProcess): Promise<void> {
  chunker.command({ command: 'drain' });
  const end = await chunker.event((event) => (event.event === 'drained' ? event : undefined));
  t.is(end.verifiedTotal, end.filesCompletedTotal);
  t.deepEqual(await chunker.exit(), { code: EXIT.holds, signal: null });
}

/** What the log of a summer says that it has read of each shard's state. */
export function replayedBy(summer: TestProcess): Replayed[] {
  return summer.stderr
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { replayed?: Replayed })
    .flatMap(({ replayed }) => (replayed === undefined ? [] : [replayed]));
}
