import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DEADLINE_MS } from '../../src/cli/testing/test-process.ts';
import { drainsAll, placeOf, replayedBy, startChunker, startSummer, verified } from './testing/gazette-place.ts';
import { clusterTest, startCluster } from './testing/real-cluster.ts';

clusterTest(
  'brokers are killed and summers lose their folders, and every file is verified once',
  async (t, binaries) => {
    t.timeout(6 * DEADLINE_MS);
    const cluster = await startCluster(t, { binaries, brokers: 4, replication: 3, etcd: 1 });
    const place = placeOf(t, cluster);
    let summer = startSummer(t, place);
    await summer.ready();
    // A killed broker is missed for as long as its lease, which is 20 s. This test makes no claim about the SLA.
    const chunker = startChunker(t, place, ['--rate', '2000', '--sla', '180s']);
    for (const [round, victim] of ['broker-2', 'broker-3'].entries()) {
      await verified(chunker, 100 + 200 * round);
      // Appends to the journals of which it was the primary have an unknown outcome.
      await cluster.killMember(victim);
      cluster.startMember(victim);
      await summer.kill();
      rmSync(join(place.folder, 'summer'), { recursive: true });
      const startedAt = Date.now();
      summer = startSummer(t, place);
      await summer.ready();
      t.log(`${victim}: ready after ${Date.now() - startedAt} ms`, replayedBy(summer));
    }
    await verified(chunker, 600);
    await drainsAll(t, chunker);
  },
);
