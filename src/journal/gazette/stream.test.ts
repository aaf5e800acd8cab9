/** When a reader says that something is lost, and when it only waits. */

import test from 'ava';
import type { Log } from '../../core/log.ts';
import { ManualClock } from '../../core/testing/manual-clock.ts';
import { JOURNAL, chunks } from '../conformance/asking.ts';
import type { ReadEnd, ReadStream, StoredBatch } from '../journals.ts';
import { GazetteJournals } from './gazette-journals.ts';
import { READ_MS } from './rpc.ts';
import { STATUS } from './status.ts';
import { FakeCluster, grpcError } from './testing/fake-cluster.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

type Scene = {
  readonly clock: ManualClock;
  readonly cluster: FakeCluster;
  readonly journals: GazetteJournals;
  readonly lines: string[];
  readonly append: (firstIndex: number, count: number) => Promise<void>;
};

function setUp(): Scene {
  const clock = new ManualClock();
  const cluster = new FakeCluster(clock, [`p/${JOURNAL}`]);
  const lines: string[] = [];
  const say: Log['warn'] = ({ why }, line) => void lines.push(typeof why === 'string' ? `${line}: ${why}` : line);
  const log = { info: say, warn: say, fatal: say };
  const journals = new GazetteJournals(cluster, { clock, address: 'gazette+http://fake:8080/p', prefix: 'p/', log });
  return {
    clock,
    cluster,
    journals,
    lines,
    append: async (firstIndex, count) => {
      let isDone = false;
      const appended = journals.append(JOURNAL, chunks(firstIndex, count));
      void appended.then(() => (isDone = true));
      await clock.until(() => isDone);
    },
  };
}

type Came = { next: StoredBatch | ReadEnd | null | undefined; failure: { kind?: string; code?: string } | undefined };

/** What the next call of `next` comes to, once it does. */
function nextOf(stream: ReadStream): Came {
  const came: Came = { next: undefined, failure: undefined };
  stream.next().then(
    (next) => (came.next = next),
    (error: unknown) => (came.failure = error as Came['failure']),
  );
  return came;
}

test('what a barrier has proven and no broker serves for four minutes is lost', async (t) => {
  const { clock, cluster, journals, append } = setUp();
  await append(0, 2);
  cluster.servedEnd = 0;
  const came = nextOf(journals.read(JOURNAL, 0, { creditBytes: 1e6 }));
  await clock.advance(4 * MINUTE_MS - 1_000);
  t.deepEqual(came, { next: undefined, failure: undefined });
  await clock.advance(READ_MS);
  t.is(came.failure?.kind, 'acknowledged-loss');
});

test('a batch of which only the beginning is served is lost too', async (t) => {
  const { clock, cluster, journals, append } = setUp();
  await append(0, 2);
  cluster.servedEnd = 50;
  const came = nextOf(journals.read(JOURNAL, 0, { creditBytes: 1e6 }));
  await clock.advance(5 * MINUTE_MS);
  t.is(came.failure?.kind, 'acknowledged-loss');
});

test('what one broker alone holds is read from that broker', async (t) => {
  for (const place of [0, 1, 2, 3]) {
    const { clock, cluster, journals, append } = setUp();
    await append(0, 2);
    await append(2, 2);
    cluster.servedBy = place;
    const stream = journals.read(JOURNAL, 0, { creditBytes: 1e6 });
    for (const _ of [0, 1]) {
      const came = nextOf(stream);
      await clock.advance(MINUTE_MS);
      t.true(came.next !== undefined && came.next !== null && 'bytes' in came.next, String(place));
    }
    stream.close();
  }
});

test('on the way to what one broker alone holds, another that is away is passed over', async (t) => {
  const { clock, cluster, journals, append } = setUp();
  await append(0, 2);
  cluster.servedBy = 2;
  cluster.readError = grpcError(14);
  cluster.readErrorAt = 1;
  const came = nextOf(journals.read(JOURNAL, 0, { creditBytes: 1e6 }));
  await clock.advance(MINUTE_MS);
  t.true(came.next !== undefined && came.next !== null && 'bytes' in came.next);
});

test('a reader that takes nothing for an hour is told of no loss', async (t) => {
  const { clock, journals, append } = setUp();
  await append(0, 2);
  await append(2, 2);
  const stream = journals.read(JOURNAL, 0, { creditBytes: 1 });
  await clock.advance(HOUR_MS);
  for (const begin of [0, 1]) {
    const came = nextOf(stream);
    await clock.advance(1_000);
    t.true(came.next !== undefined && came.next !== null && 'bytes' in came.next, String(begin));
  }
});

test('a journal that takes no barrier for an hour is waited for, and the log says so', async (t) => {
  const { clock, cluster, journals, append, lines } = setUp();
  await append(0, 2);
  cluster.fateOf = () => STATUS.INSUFFICIENT_JOURNAL_BROKERS;
  const came = nextOf(journals.read(JOURNAL, 0, { creditBytes: 1e6 }));
  await clock.advance(HOUR_MS);
  t.deepEqual(came, { next: undefined, failure: undefined });
  t.regex(lines[0] ?? '', /^the cluster has not answered a barrier in .* for 5 s: INSUFFICIENT_JOURNAL_BROKERS$/);
  t.true(lines.length > 100 && lines.length < 130, String(lines.length));
  cluster.fateOf = () => 'done';
  await clock.advance(1_000);
  t.true(came.next !== undefined && came.next !== null && 'bytes' in came.next);
});

test('a batch is stamped when its reader knew that it was durable, and not when it came', async (t) => {
  const { clock, cluster, journals, append } = setUp();
  await append(0, 2);
  const stream = journals.read(JOURNAL, 0, { creditBytes: 1e6 });
  await clock.until(() => cluster.reads.open === 1);
  // What is served is not covered by a barrier yet.
  cluster.fateOf = () => STATUS.NO_JOURNAL_PRIMARY_BROKER;
  const servedNs = clock.nowNs();
  const came = nextOf(stream);
  await clock.advance(10_000);
  t.is(came.next, undefined);
  cluster.fateOf = () => 'done';
  await clock.advance(1_000);
  if (!came.next || !('bytes' in came.next)) throw new Error('a batch comes');
  t.true(came.next.stampNs >= servedNs + 10_000 * 1e6);
});

test('time in which the reader was stopped is no time without an answer', async (t) => {
  const { clock, cluster, journals, append } = setUp();
  await append(0, 2);
  cluster.servedEnd = 0;
  const came = nextOf(journals.read(JOURNAL, 0, { creditBytes: 1e6 }));
  for (let stop = 0; stop < 10; stop += 1) {
    await clock.advance(1_000);
    clock.jump(100_000);
  }
  await clock.advance(1_000);
  t.deepEqual(came, { next: undefined, failure: undefined });
  cluster.servedEnd = Number.POSITIVE_INFINITY;
  await clock.advance(READ_MS);
  t.true(came.next !== undefined && came.next !== null && 'bytes' in came.next);
});

test('a reader has one call open, whoever serves it', async (t) => {
  const { clock, cluster, journals, append } = setUp();
  for (let index = 0; index < 20; index += 1) await append(index, 1);
  cluster.server = 'of another time';
  const stream = journals.read(JOURNAL, 0, { creditBytes: 1e6 });
  const came = nextOf(stream);
  await clock.advance(10_000);
  t.deepEqual(came, { next: undefined, failure: undefined });
  t.true(cluster.reads.started > 10);
  t.is(cluster.reads.most, 1);
  cluster.server = 'a';
  await clock.advance(1_000);
  t.true(came.next !== undefined && came.next !== null && 'bytes' in came.next);
  stream.close();
  t.is(cluster.reads.open, 0);
});

test('a read that is refused as not valid ends at once, and one that is refused once does not', async (t) => {
  const { clock, cluster, journals, append } = setUp();
  await append(0, 2);
  cluster.readError = grpcError(2, 'invalid offset');
  const refused = nextOf(journals.read(JOURNAL, 0, { creditBytes: 1e6 }));
  await clock.advance(1_000);
  t.is(refused.failure?.code, 'ERR_GAZETTE_REJECTED');
  const came = nextOf(journals.read(JOURNAL, 0, { creditBytes: 1e6 }));
  await clock.until(() => cluster.reads.started === 4);
  cluster.readError = null;
  await clock.advance(1_000);
  t.true(came.next !== undefined && came.next !== null && 'bytes' in came.next);
});

test('what a broker served and has lost is not handed on when another broker comes under its id', async (t) => {
  const { clock, cluster, journals, append } = setUp();
  await append(0, 2);
  // Another client knows of nothing yet. It is served what no barrier covers.
  const other = new GazetteJournals(cluster, { clock, address: 'gazette+http://fake:8080/p', prefix: 'p/' });
  cluster.fateOf = () => STATUS.NO_JOURNAL_PRIMARY_BROKER;
  const came = nextOf(other.read(JOURNAL, 0, { creditBytes: 1e6 }));
  await clock.advance(1_000);
  cluster.fateOf = () => 'done';
  await clock.until(() => cluster.reads.started === 1);
  cluster.fateOf = () => STATUS.NO_JOURNAL_PRIMARY_BROKER;
  await clock.advance(1_000);
  t.is(came.next, undefined);
  cluster.lose(`p/${JOURNAL}`);
  cluster.fateOf = () => 'done';
  const kept = chunks(0, 3);
  await cluster.append({ journal: `p/${JOURNAL}` }, [kept]);
  await clock.advance(5_000);
  if (!came.next || !('bytes' in came.next)) throw new Error('a batch comes');
  t.deepEqual(Buffer.from(came.next.bytes), Buffer.from(kept));
  journals.close();
  other.close();
});

test('what a broker served is not handed on when it is lost after the deadline of its read', async (t) => {
  const { clock, cluster, journals } = setUp();
  const came = nextOf(journals.read(JOURNAL, 0, { creditBytes: 1e6 }));
  await clock.advance(READ_MS - 1_000);
  t.is(cluster.reads.started, 1);
  const appended = cluster.append({ journal: `p/${JOURNAL}` }, [chunks(0, 2)]);
  cluster.fateOf = () => STATUS.NO_JOURNAL_PRIMARY_BROKER;
  await appended;
  await clock.advance(500);
  // Another process has the next call, and tells nothing of the one before.
  cluster.server = 'b';
  cluster.servedEnd = 0;
  await clock.advance(1_000);
  cluster.truncate(`p/${JOURNAL}`, 0);
  cluster.fateOf = () => 'done';
  const kept = chunks(0, 3);
  await cluster.append({ journal: `p/${JOURNAL}` }, [kept]);
  await clock.advance(1_000);
  cluster.server = 'a';
  cluster.servedEnd = Number.POSITIVE_INFINITY;
  await clock.advance(10_000);
  if (!came.next || !('bytes' in came.next)) throw new Error('a batch comes');
  t.deepEqual(Buffer.from(came.next.bytes), Buffer.from(kept));
  journals.close();
});
