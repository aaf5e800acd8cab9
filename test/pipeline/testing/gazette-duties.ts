/** The duties of every engine, tested on the Gazette engine with real brokers. */

import test from 'ava';
import type { Cluster } from '../../../soak/cluster/cluster.ts';
import { testJournals } from '../../../src/journal/conformance.ts';
import { clusterTest, startCluster } from './real-cluster.ts';

export type ClusterSize = {
  readonly name: string;
  readonly brokers: number;
  readonly replication: number;
  readonly etcd: number;
};

/** `name` begins the titles. */
export function testDuties({ name, ...size }: ClusterSize): void {
  let cluster: Promise<Cluster> | null = null;
  let checks = 0;
  const cleanups: (() => void | Promise<void>)[] = [];
  const lifetime = { teardown: (call: () => void | Promise<void>) => void cleanups.unshift(call) };

  test.after.always(async () => {
    for (const cleanup of cleanups) await cleanup();
  });

  for (const { title, run } of testJournals(start)) {
    clusterTest(`the Gazette engine on ${name}: ${title}`, async (t, binaries) => {
      t.timeout(180_000);
      cluster ??= startCluster({ ...lifetime, log: t.log }, { binaries, ...size });
      await cluster;
      await t.notThrowsAsync(run());
    });
  }

  /** A separate set of journals in the one cluster. Clients connect through each broker in turn. */
  async function start(): Promise<{ connect(): ReturnType<Cluster['connect']>; stop(): Promise<void> }> {
    if (cluster === null) throw new Error('the cluster is started before its first check');
    const running = await cluster;
    checks += 1;
    const prefix = `check-${checks}/`;
    await running.makeJournals(prefix, 2);
    let clients = 0;
    return {
      connect: () => {
        clients += 1;
        return running.connect({ broker: clients % size.brokers, prefix });
      },
      stop: async () => {},
    };
  }
}
