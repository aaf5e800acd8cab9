import test from 'ava';
import { Counters } from '../world/counters.ts';
import { Kernel } from '../world/kernel.ts';
import type { Broker } from './broker.ts';
import { ClusterNetwork } from './cluster-network.ts';
import { SimulatedCluster } from './cluster.ts';
import { MemberFaults } from './member-faults.ts';

const PLAN = { brokers: 3, replication: 2, leaseMs: 4_000, keepsIds: false };
const SECOND_NS = 1e9;

function ignored(): void {}

/** What a primary does when it carries out an append of content. */
function appends(broker: Broker): void {
  const { whenAppending } = broker;
  broker.whenAppending = null;
  whenAppending?.();
}

test('two crashes that wait for an append do not take two brokers at the same append', async (t) => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const kernel = new Kernel(0, (error) => {
      throw error;
    });
    const counters = new Counters();
    const network = new ClusterNetwork({ kernel, seed, counters, delayNs: 200_000, jitterNs: 300_000 });
    const rest = { onCommitted: ignored, onTrimmed: ignored, onEtcd: ignored };
    const cluster = new SimulatedCluster({ plan: PLAN, partitions: 1, seed, kernel, network, counters, ...rest });
    const faults = new MemberFaults({ cluster, plan: PLAN, kernel, counters, seed, lasts: () => {} });
    cluster.start();
    await kernel.run(() => cluster.canLose);
    const [first, second] = cluster.brokers;
    if (first === undefined || second === undefined) throw new Error('the cluster has three brokers');
    const hit: string[] = [];
    for (const [id, { name }] of [first, second].entries()) {
      const crash = { id, kind: 'member-crash', target: name, atAppend: true, downMs: 500 } as const;
      t.true(faults.inject(crash, () => hit.push(name)));
    }
    appends(first);
    appends(second);
    const untilNs = kernel.nowNs + SECOND_NS / 4;
    await kernel.run(() => kernel.nowNs >= untilNs);
    t.deepEqual(hit, [first.name], `seed ${seed}`);
    t.true(second.isUp);
    // It dies at a later append, when the cluster can lose it.
    await kernel.run(() => cluster.canLose);
    appends(second);
    await kernel.run(() => !second.isUp);
    t.deepEqual(hit, [first.name, second.name], `seed ${seed}`);
    cluster.stop();
  }
});
