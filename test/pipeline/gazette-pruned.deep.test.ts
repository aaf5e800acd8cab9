/**
 * Retention on real Gazette brokers: `gazctl journals prune` removes fragments from the store, and brokers miss them.
 * The store is an S3 server, because `gazctl` cannot be told where fragments in files are.
 */

import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Cluster } from '../../soak/cluster/cluster.ts';
import { DEADLINE_MS, temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { delay, systemClock } from '../../src/core/clock.ts';
import { crc32c } from '../../src/hash/crc32c.ts';
import {
  CREDIT,
  JOURNAL,
  OTHER,
  PRODUCER,
  append,
  chunks,
  expects,
  take,
} from '../../src/journal/conformance/asking.ts';
import { Etcd } from '../../src/journal/gazette/etcd.ts';
import type { GazetteJournals } from '../../src/journal/gazette/gazette-journals.ts';
import { Registry } from '../../src/journal/gazette/registry.ts';
import { Rpc, importLibrary } from '../../src/journal/gazette/rpc.ts';
import { SUMS_JOURNAL, stateJournal } from '../../src/journal/journals.ts';
import { decodeBatch, encodeBatch } from '../../src/message/batch.ts';
import { encodeChunk, fileIdOf } from '../../src/message/chunk.ts';
import { decodeSums } from '../../src/message/sum.ts';
import { openLmdbStore } from '../../src/store/lmdb-store.ts';
import type { Store } from '../../src/store/store.ts';
import { type PreparedSummer, prepareSummer } from '../../src/summer/prepare-summer.ts';
import { SUMMER_TABLES } from '../../src/summer/rows.ts';
import type { Replayed } from '../../src/summer/state-rebuild.ts';
import { Pruning, until } from './testing/pruning.ts';
import { clusterTest, startCluster } from './testing/real-cluster.ts';

const EXTRAS = ['gofakes3', 'gazctl'] as const;
const SIZE = { brokers: 2, replication: 1, etcd: 1, fragments: 's3' } as const;
/** A fragment is full with one batch of so many records. */
const FRAGMENT_BYTES = 1_024;
const RECORDS = 40;
/** Between two batches of a summer's work. */
const FEED_MS = 50;

clusterTest(
  'what is pruned is told to whoever needs it, and nothing behind it is',
  async (t, binaries) => {
    t.timeout(2 * DEADLINE_MS);
    const cluster = await startCluster(t, { binaries, ...SIZE });
    const prefix = 'pruned/';
    await cluster.makeJournals(prefix, 1, { bytes: FRAGMENT_BYTES, retentionSeconds: 1 });
    const pruning = new Pruning(binaries, cluster);
    const connect = (broker: number): GazetteJournals => {
      const journals = cluster.connect({ broker, prefix });
      t.teardown(() => journals.close());
      return journals;
    };
    const writer = connect(0);
    const appended = [chunks(0, RECORDS, { producer: OTHER })];
    for (let batch = 0; batch < 3; batch += 1) appended.push(chunks(RECORDS * batch, RECORDS));
    const ends = await appendAll(t, writer, appended);
    // The place of the other producer, and the first one of this, are then below what is kept.
    const listed = async (): Promise<number> => (await writer.list()).journals[0]?.begin ?? 0;
    const begin = await pruning.through(`${prefix}${JOURNAL}`, ends[1] ?? 0, listed);
    t.log({ ends, begin });
    t.true(ends.includes(begin), 'a fragment begins with an append');
    const more = [3, 4].map((batch) => chunks(RECORDS * batch, RECORDS));
    ends.push(...(await appendAll(t, writer, more)));
    appended.push(...more);
    // An appending producer's place moves on, and nothing waits for that.
    const registry = await registryOf(t, cluster, prefix);
    const place = async (): Promise<number> => (await registry.index(JOURNAL, PRODUCER))?.offset ?? 0;
    await until('the place of the producer is beyond what is pruned', async () => (await place()) > begin);

    const [reader, elsewhere] = [connect(0), connect(1)];
    t.is((await elsewhere.list()).journals[0]?.begin, begin);
    const below = reader.read(JOURNAL, 0, CREDIT).next();
    const locked = t.throwsAsync(elsewhere.expected(JOURNAL, OTHER), { code: 'ERR_NO_INDEX', message: /is kept from/ });
    const kept = elsewhere.read(JOURNAL, begin, CREDIT);
    for (const [at, bytes] of appended.entries()) {
      if ((ends[at] ?? 0) <= begin) continue;
      const { bytes: read, end } = await take(kept);
      t.deepEqual(read, bytes);
      t.is(end, ends[at] ?? 0);
    }
    expects(await elsewhere.expected(JOURNAL, PRODUCER), 5 * RECORDS);
    const [told] = await Promise.all([below, locked]);
    t.false(told !== null && 'bytes' in told, 'what was pruned was passed over');
    t.deepEqual(told, { end: 'trimmed', begin });
  },
  EXTRAS,
);

async function registryOf(t: ExecutionContext, cluster: Cluster, prefix: string): Promise<Registry> {
  const { brokers } = cluster.address();
  const rpc = new Rpc(await importLibrary(), { brokers, etcd: cluster.etcdAddresses });
  t.teardown(() => rpc.close());
  const etcd = new Etcd({ rpc, clock: systemClock, signal: new AbortController().signal });
  return new Registry({ etcd, prefix: `/${prefix}`, newName: () => '' });
}

/** Where each of them ends. */
async function appendAll(
  t: ExecutionContext,
  journals: GazetteJournals,
  batches: readonly Buffer[],
): Promise<number[]> {
  const ends: number[] = [];
  for (const bytes of batches) {
    const outcome = await append(journals, bytes);
    if (outcome.outcome === 'committed') ends.push(outcome.end);
  }
  t.is(ends.length, batches.length);
  return ends;
}

/** Long enough for a snapshot to be followed by the next one on a slow machine. */
const STATE_RETENTION_SECONDS = 20;
const STATE_FRAGMENT_BYTES = 16 * 1024;
const SNAPSHOTS = { everyBytes: 8 * 1024, partBytes: 1_024 } as const;

clusterTest(
  'a summer with an empty folder rebuilds its state from a snapshot, when what is before it is pruned',
  async (t, binaries) => {
    t.timeout(2 * DEADLINE_MS);
    const cluster = await startCluster(t, { binaries, ...SIZE });
    const prefix = 'states/';
    const rule = { bytes: STATE_FRAGMENT_BYTES, retentionSeconds: STATE_RETENTION_SECONDS };
    await cluster.makeJournals(prefix, 1, rule);
    const connect = (): GazetteJournals => cluster.connect({ prefix });
    const folder = join(temporaryFolder(t), 'summer');
    const writer = connect();
    t.teardown(() => writer.close());
    const feed = new Feed(writer);
    const first = await RunningSummer.start(t, folder, connect());
    const feeding = feed.run();
    const looked = async (): Promise<number> => (await writer.openState({ shard: 0, epoch: 0 }).look()).begin;
    const begin = await new Pruning(binaries, cluster).through(`${prefix}${stateJournal(0)}`, 1, looked);
    feed.isOver = true;
    await feeding;
    await first.stop();
    rmSync(folder, { recursive: true });

    const second = await RunningSummer.start(t, folder, connect());
    t.log({ begin, files: feed.files.length, replayed: second.replayed });
    t.is(second.replayed?.base, 'snapshot');
    await feed.append();
    t.deepEqual(await sumsOf(writer, feed.files.length), feed.files.map(digestOf));
    t.is(first.failure ?? second.failure, null);
  },
  EXTRAS,
);

/** A producer whose files have one chunk each, and end at once. */
class Feed {
  readonly #journals: GazetteJournals;
  readonly files: string[] = [];
  isOver = false;

  constructor(journals: GazetteJournals) {
    this.#journals = journals;
  }

  async run(): Promise<void> {
    while (!this.isOver) {
      await this.append();
      await delay(systemClock, FEED_MS);
    }
  }

  async append(): Promise<void> {
    const number = this.files.length;
    const fileId = fileIdOf(PRODUCER, number);
    const records = [`file ${number}`, ''].map((data, at) =>
      encodeChunk({ fileId, sequence: at + 1, data: Buffer.from(data) }),
    );
    const header = { kind: 'chunks', producer: PRODUCER, firstIndex: 2 * number, count: 2, epoch: 0 } as const;
    this.files.push(`file ${number}`);
    await append(this.#journals, encodeBatch(header, Buffer.concat(records), JOURNAL, crc32c));
  }
}

function digestOf(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** The digests of the first sums, each once. */
async function sumsOf(journals: GazetteJournals, count: number): Promise<string[]> {
  const stream = journals.read(SUMS_JOURNAL, 0, CREDIT);
  const digests: string[] = [];
  while (digests.length < count) {
    const batch = decodeBatch((await take(stream)).bytes, SUMS_JOURNAL, crc32c);
    const sums = 'fault' in batch ? [] : (decodeSums(batch.payload)?.slice(digests.length - batch.firstIndex) ?? []);
    digests.push(...sums.map(({ digest }) => digest));
  }
  stream.close();
  return digests;
}

function noOther(): Promise<never> {
  return Promise.reject(new Error('no other store is read'));
}

/** The production composition, with snapshots that a test can wait for. */
class RunningSummer {
  readonly #journals: GazetteJournals;
  readonly #store: Store;
  #prepared: PreparedSummer | null = null;
  replayed: Replayed | null = null;
  failure: unknown = null;
  #isStopped = false;

  private constructor(journals: GazetteJournals, store: Store) {
    this.#journals = journals;
    this.#store = store;
  }

  /** It ends with the test. */
  static async start(t: ExecutionContext, folder: string, journals: GazetteJournals): Promise<RunningSummer> {
    const store = await openLmdbStore({ folder, kind: 'summer', tables: SUMMER_TABLES });
    const running = new RunningSummer(journals, store);
    t.teardown(() => running.stop());
    running.#prepared = await prepareSummer({
      journals,
      store,
      clock: systemClock,
      partitions: [0],
      takeOver: false,
      readOther: noOther,
      lookAt: noOther,
      snapshots: SNAPSHOTS,
      onClaim: (_, claim) => {
        if (claim.outcome === 'owned') running.replayed = claim.replayed ?? null;
      },
      onFailure: (error) => {
        running.failure ??= error;
      },
    });
    running.#prepared.summer.start();
    return running;
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    await this.#prepared?.summer.stop();
    this.#journals.close();
    await this.#store.close();
  }
}
