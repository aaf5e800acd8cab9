/** A chunker process that is away while `gazctl journals prune` removes the sums that it has not read. */

import { join } from 'node:path';
import { DEADLINE_MS, TestProcess } from '../../src/cli/testing/test-process.ts';
import { EXIT } from '../../src/core/errors.ts';
import { SUMS_JOURNAL } from '../../src/journal/journals.ts';
import { PARTITIONS, drainsAll, placeOf, startChunker, startSummer, verified } from './testing/gazette-place.ts';
import { Pruning } from './testing/pruning.ts';
import { clusterTest, startCluster } from './testing/real-cluster.ts';

const PREFIX = 'absence/';
/** Longer than whoever is there needs to read a sum, on a slow machine too. */
const RETENTION_SECONDS = 10;
const LOAD = ['--rate', '200', '--sla', '60s'];

clusterTest(
  'a chunker whose sums were pruned while it was dead exits 3 and can be retired, and others go on',
  async (t, binaries) => {
    t.timeout(2 * DEADLINE_MS);
    const cluster = await startCluster(t, { binaries, brokers: 1, replication: 1, etcd: 1, fragments: 's3' });
    await cluster.makeJournals(PREFIX, PARTITIONS, { bytes: 1_024, retentionSeconds: RETENTION_SECONDS });
    const plain = placeOf(t, cluster);
    const [journals = ''] = cluster.brokerAddresses;
    const [etcd = ''] = cluster.etcdAddresses;
    const place = { ...plain, at: ['--journals', `${journals}/${PREFIX}`, '--etcd', etcd] };
    await startSummer(t, place).ready();
    const leaving = startChunker(t, place, LOAD);
    const staying = startChunker(t, { ...place, folder: join(place.folder, 'other') }, LOAD);
    const { producer } = await leaving.event((event) =>
      event.event === 'ready' && event.component === 'chunker' ? event : undefined,
    );
    await verified(leaving, 20);
    await leaving.kill();
    const before = await verifiedNow(staying);
    await verified(staying, before + 50);

    const client = cluster.connect({ prefix: PREFIX });
    t.teardown(() => client.close());
    const head = await client.head(SUMS_JOURNAL);
    const begin = await new Pruning(binaries, cluster).through(`${PREFIX}${SUMS_JOURNAL}`, head, async () => {
      const { journals: listed } = await client.list();
      return listed.at(-1)?.begin ?? 0;
    });
    t.true(begin >= head);

    const late = startChunker(t, place, LOAD);
    t.deepEqual(await late.exit(), { code: EXIT.inconclusive, signal: null });
    t.regex(
      late.lastMessage,
      new RegExp(`is kept from ${begin} on, and producer ${producer} has read it up to \\d+: `),
    );
    const retired = new TestProcess(t, ['retire', ...place.at, '--producer', producer]);
    t.deepEqual(await retired.exit(), { code: EXIT.holds, signal: null });
    await drainsAll(t, staying);
  },
  ['gofakes3', 'gazctl'],
);

function verifiedNow(chunker: TestProcess): Promise<number> {
  return chunker.progress((progress) => (progress.component === 'chunker' ? progress.verifiedTotal : undefined));
}
