/**
 * Clusters of real brokers and etcd, for tests. Where the programs, or the right to make network namespaces, are
 * missing, the tests that need a cluster are skipped, each by its name.
 */

import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../../src/cli/testing/test-process.ts';
import { UsageError } from '../../../src/core/errors.ts';
import type { BrokerKeys } from '../../../src/journal/gazette/auth.ts';
import { type Binaries, type Extra, findBinaries } from '../../../soak/cluster/binaries.ts';
import { Cluster, type ClusterOptions } from '../../../soak/cluster/cluster.ts';

/** The programs, or why there can be no cluster here. Nothing is built. */
export function clusterPrograms(extras: readonly Extra[] = []): Binaries | { readonly missing: string } {
  try {
    if (process.getuid?.() !== 0) return { missing: 'a cluster in a test needs root' };
    return findBinaries(null, { extras });
  } catch (error) {
    if (error instanceof UsageError) return { missing: error.message };
    throw error;
  }
}

/** A test that needs a cluster and these extras. It is skipped by its name where they cannot be. */
export function clusterTest(
  title: string,
  run: (t: ExecutionContext, binaries: Binaries) => Promise<void>,
  extras: readonly Extra[] = [],
): void {
  const programs = clusterPrograms(extras);
  if ('missing' in programs) test.skip(`left out: ${title} (${programs.missing})`, () => {});
  else test(title, async (t) => await run(t, programs));
}

export type TestClusterOptions = {
  readonly binaries: Binaries;
  readonly brokers: number;
  readonly replication: number;
  readonly etcd: number;
  readonly brokerKeys?: BrokerKeys;
} & Pick<ClusterOptions, 'fragments'>;

/** A cluster that ends with the test. */
export async function startCluster(
  t: Pick<ExecutionContext, 'teardown' | 'log'>,
  options: TestClusterOptions,
): Promise<Cluster> {
  const folder = temporaryFolder(t);
  const cluster = await Cluster.start({ ...options, folder, partitions: 2, onEnded: (line) => t.log(line) });
  t.teardown(() => cluster.stop());
  return cluster;
}
