/** Chunkers and summers as real processes on a cluster of real Gazette brokers. */

import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { TestProcess, temporaryFolder } from '../../../src/cli/testing/test-process.ts';
import type { Cluster } from '../../../soak/cluster/cluster.ts';

export const PARTITIONS = 2;
const WORK = ['--files', '20', '--chunks', '0..40', '--chunk-bytes', '1..2000', '--seed', '5'];

export type Place = { readonly folder: string; readonly at: readonly string[] };

/** A client may be given any broker, except one that the test kills. */
export function placeOf(t: ExecutionContext, cluster: Cluster): Place {
  const [journals = ''] = cluster.brokerAddresses;
  const [etcd = ''] = cluster.etcdAddresses;
  return { folder: temporaryFolder(t), at: ['--journals', journals, '--etcd', etcd] };
}

export function startSummer(t: ExecutionContext, { folder, at }: Place): TestProcess {
  const partitions = ['--partitions', `0-${PARTITIONS - 1}`];
  return new TestProcess(t, ['summer', '--data', join(folder, 'summer'), ...at, ...partitions, '--supervised']);
}

export function startChunker(t: ExecutionContext, { folder, at }: Place, rest: readonly string[]): TestProcess {
  return new TestProcess(t, ['chunker', '--data', join(folder, 'chunker'), ...at, ...WORK, ...rest, '--supervised']);
}
