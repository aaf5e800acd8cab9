/**
 * Chunkers and summers as real processes on a real Gazette broker: every sum is verified, although a summer is killed
 * meanwhile. `gazette-pipeline.deep.test.ts` kills brokers.
 */

import { DEADLINE_MS } from '../../src/cli/testing/test-process.ts';
import { drainsAll, placeOf, startChunker, startSummer, verified } from './testing/gazette-place.ts';
import { clusterTest, startCluster } from './testing/real-cluster.ts';

clusterTest(
  'on one broker every file of a chunker is verified, and a summer that is killed goes on',
  async (t, binaries) => {
    t.timeout(4 * DEADLINE_MS);
    const cluster = await startCluster(t, { binaries, brokers: 1, replication: 1, etcd: 1 });
    const place = placeOf(t, cluster);
    const first = startSummer(t, place);
    await first.ready();
    const chunker = startChunker(t, place, ['--rate', '4000']);
    await verified(chunker, 100);
    await first.kill();
    const second = startSummer(t, place);
    await second.ready();
    await drainsAll(t, chunker);
  },
);
