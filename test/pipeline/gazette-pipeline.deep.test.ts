/** What is repeated in a journal because a broker was killed is in no sum twice, on real Gazette brokers. */

import { DEADLINE_MS, type TestProcess } from '../../src/cli/testing/test-process.ts';
import { delay, systemClock } from '../../src/core/clock.ts';
import { crc32c } from '../../src/hash/crc32c.ts';
import { chunkJournal } from '../../src/journal/journals.ts';
import { decodeBatch } from '../../src/message/batch.ts';
import type { Cluster } from '../../soak/cluster/cluster.ts';
import { PARTITIONS, drainsAll, placeOf, startChunker, startSummer } from './testing/gazette-place.ts';
import { clusterTest, startCluster } from './testing/real-cluster.ts';

const ROUNDS_MAX = 6;

clusterTest('what an append of unknown outcome has left in a journal twice is in no sum twice', async (t, binaries) => {
  t.timeout(6 * DEADLINE_MS);
  const cluster = await startCluster(t, { binaries, brokers: 4, replication: 3, etcd: 1 });
  const place = placeOf(t, cluster);
  const summer = startSummer(t, place);
  await summer.ready();
  // A killed broker is missed for as long as its lease, which is 20 s. This test makes no claim about the SLA.
  const chunker = startChunker(t, place, ['--rate', '4000', '--sla', '180s']);
  let verified = await untilVerified(chunker, 100);
  let repeated = 0;
  // Each time kills a broker that the clients do not speak to. Through another broker they reach the journals of which
  // the killed one was the primary.
  for (let round = 0; round < ROUNDS_MAX && repeated === 0; round += 1) {
    const victim = `broker-${2 + (round % 3)}`;
    await cluster.killMember(victim);
    cluster.startMember(victim);
    verified = await untilVerified(chunker, verified + 200);
    repeated = await countRepeated(cluster);
  }
  t.log(`${repeated} records lie in a journal twice`);
  t.true(repeated > 0, 'without a repetition this is no proof');
  await drainsAll(t, chunker);
});

/** Asks a few times a second. Resolves with the number of verified files, which is above `least`. */
async function untilVerified(chunker: TestProcess, least: number): Promise<number> {
  const deadlineNs = systemClock.nowNs() + 2 * DEADLINE_MS * 1e6;
  while (systemClock.nowNs() < deadlineNs) {
    const verified = await chunker.progress((progress) =>
      progress.component === 'chunker' ? progress.verifiedTotal : undefined,
    );
    if (verified > least) return verified;
    await delay(systemClock, 200);
  }
  throw new Error(`no more than ${least} files were verified: ${chunker.lastMessage}`);
}

/** Counts records of the chunk journals that lie below the next index of their producer. */
async function countRepeated(cluster: Cluster): Promise<number> {
  const journals = cluster.connect();
  let repeated = 0;
  try {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const journal = chunkJournal(partition);
      const head = await journals.head(journal);
      const nexts = new Map<string, number>();
      const stream = journals.read(journal, 0, { creditBytes: 4 * 1024 * 1024 });
      for (let through = 0; through < head; ) {
        const next = await stream.next();
        if (next === null || !('bytes' in next)) throw new Error(`${journal} at ${through}: ${JSON.stringify(next)}`);
        const batch = decodeBatch(next.bytes, journal, crc32c);
        if ('fault' in batch) throw new Error(batch.fault);
        const expected = nexts.get(batch.producer) ?? 0;
        repeated += Math.min(expected, batch.firstIndex + batch.count) - Math.min(expected, batch.firstIndex);
        nexts.set(batch.producer, Math.max(expected, batch.firstIndex + batch.count));
        through = next.end;
      }
      stream.close();
    }
  } finally {
    journals.close();
  }
  return repeated;
}
