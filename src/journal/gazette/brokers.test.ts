import test from 'ava';
import { ManualClock } from '../../core/testing/manual-clock.ts';
import { Brokers } from './brokers.ts';
import { Etcd } from './etcd.ts';
import { STATUS } from './status.ts';
import { FakeCluster, grpcError } from './testing/fake-cluster.ts';

function setUp(): { clock: ManualClock; cluster: FakeCluster; brokers: Brokers } {
  const clock = new ManualClock();
  const cluster = new FakeCluster(clock, ['p/sums']);
  const { signal } = new AbortController();
  return { clock, cluster, brokers: new Brokers({ rpc: cluster, clock, signal, prefix: 'p/' }) };
}

/** The end that a barrier gives, or the kind of violation that it fails with. */
async function endOf(brokers: Brokers): Promise<unknown> {
  try {
    return (await brokers.barrier('sums')).end;
  } catch (error) {
    return (error as { kind?: unknown }).kind;
  }
}

test('brokers that were without a primary for a minute may then say once that they are behind', async (t) => {
  const { clock, cluster, brokers } = setUp();
  const startedNs = clock.nowNs();
  let behind = 0;
  cluster.fateOf = () => {
    if (clock.nowNs() - startedNs < 61e9) return STATUS.INSUFFICIENT_JOURNAL_BROKERS;
    behind += 1;
    return behind < 3 ? STATUS.INDEX_HAS_GREATER_OFFSET : 'done';
  };
  const end = endOf(brokers);
  await clock.advance(62_000);
  t.is(await end, 0);
});

test('brokers that are behind for a minute have lost what is missing, unless they answer something else', async (t) => {
  const { clock, cluster, brokers } = setUp();
  let answers = 0;
  cluster.fateOf = () => {
    answers += 1;
    return answers === 300 ? STATUS.NO_JOURNAL_PRIMARY_BROKER : STATUS.INDEX_HAS_GREATER_OFFSET;
  };
  const end = endOf(brokers);
  await clock.advance(80_000);
  t.is(await Promise.race([end, Promise.resolve('waits')]), 'waits');
  await clock.advance(20_000);
  t.is(await end, 'acknowledged-loss');
});

test('time in which the process was stopped does not count', async (t) => {
  const { clock, cluster, brokers } = setUp();
  let answers = 0;
  cluster.fateOf = () => {
    answers += 1;
    return answers < 4 ? STATUS.INDEX_HAS_GREATER_OFFSET : 'done';
  };
  const end = endOf(brokers);
  await clock.settle();
  clock.jump(120_000);
  await clock.advance(1_000);
  t.is(await end, 0);
});

test('a list that is refused as not valid ends by one line, and an append by none of its own', async (t) => {
  const { clock, cluster, brokers } = setUp();
  cluster.failure = grpcError(2, 'invalid selector');
  const failed = brokers.list().catch((error: unknown) => (error as Error).message);
  await clock.advance(1_000);
  t.is(await failed, 'the cluster rejects a list: 2 invalid selector');
  cluster.fateOf = () => grpcError(2, 'connection reset');
  t.is((await brokers.append('sums', [Buffer.of(1)], {})).meaning, 'unknown');
});

function isAny(value: unknown): value is unknown {
  return value !== undefined;
}

test('etcd without room ends a request by one line, and a busy one is asked again', async (t) => {
  const { clock, cluster } = setUp();
  const etcd = new Etcd({ rpc: cluster, clock, signal: new AbortController().signal });
  cluster.failure = grpcError(8, 'etcdserver: mvcc: database space exceeded');
  await t.throwsAsync(etcd.get('k', isAny), {
    message: 'the cluster rejects a request to etcd: 8 etcdserver: mvcc: database space exceeded',
  });
  cluster.failure = grpcError(8, 'etcdserver: too many requests');
  const got = etcd.get('k', isAny);
  await clock.advance(1_000);
  cluster.failure = null;
  await clock.advance(1_000);
  t.is((await got).revision, 0);
});
