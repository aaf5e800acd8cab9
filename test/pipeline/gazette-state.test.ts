/**
 * Summers whose folders are gone, or that run on another machine, on real Gazette brokers: the state of their shards
 * comes from the state journals, and every file is verified once.
 */

import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DEADLINE_MS } from '../../src/cli/testing/test-process.ts';
import { EXIT } from '../../src/core/errors.ts';
import { drainsAll, placeOf, replayedBy, startChunker, startSummer, verified } from './testing/gazette-place.ts';
import { clusterTest, startCluster } from './testing/real-cluster.ts';

clusterTest(
  'a summer that is killed and whose folder is removed goes on from its state journals',
  async (t, binaries) => {
    t.timeout(4 * DEADLINE_MS);
    const cluster = await startCluster(t, { binaries, brokers: 1, replication: 1, etcd: 1 });
    const place = placeOf(t, cluster);
    let summer = startSummer(t, place);
    await summer.ready();
    const chunker = startChunker(t, place, ['--rate', '4000']);
    for (const least of [100, 400]) {
      await verified(chunker, least);
      await summer.kill();
      rmSync(join(place.folder, 'summer'), { recursive: true });
      summer = startSummer(t, place);
      await summer.ready();
      const replayed = replayedBy(summer);
      t.log(replayed);
      t.true(replayed.length === 2 && replayed.every(({ base, entries }) => base !== 'local' && entries > 0));
    }
    await drainsAll(t, chunker);
  },
);

clusterTest(
  'a takeover with an empty folder needs nothing of the stopped owner, which exits 12 when it wakes',
  async (t, binaries) => {
    t.timeout(4 * DEADLINE_MS);
    const cluster = await startCluster(t, { binaries, brokers: 1, replication: 1, etcd: 1 });
    const place = placeOf(t, cluster);
    const first = startSummer(t, place, { name: 'summer-a' });
    await first.ready();
    const chunker = startChunker(t, place, ['--rate', '4000']);
    await verified(chunker, 100);
    process.kill(first.pid, 'SIGSTOP');
    // As on another machine: the folder of the stopped owner has another name, which nobody is told.
    renameSync(join(place.folder, 'summer-a'), join(place.folder, 'elsewhere'));
    const second = startSummer(t, place, { name: 'summer-b', rest: ['--take-over'] });
    await second.ready();
    const replayed = replayedBy(second);
    t.log(replayed);
    t.true(replayed.length === 2 && replayed.every(({ base, entries }) => base !== 'local' && entries > 0));
    process.kill(first.pid, 'SIGCONT');
    t.is((await first.exit()).code, EXIT.fenced);
    await drainsAll(t, chunker);
  },
);
