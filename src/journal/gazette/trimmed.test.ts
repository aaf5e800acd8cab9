/** Whoever needs what the cluster's retention has removed is told so, and nothing is passed over. */

import test from 'ava';
import { settled } from '../../core/testing/manual-clock.ts';
import { JOURNAL, PRODUCER, chunks } from '../conformance/asking.ts';
import { stateJournal } from '../journals.ts';
import { type Scene, fakeScene, watch } from './testing/scene.ts';

const MINUTE_MS = 60_000;
const NAME = `p/${JOURNAL}`;
const STATE = `p/${stateJournal(0)}`;
const BATCHES = 4;

/**
 * A journal with some batches of one producer, whose place in etcd is where the first of them ends. `ends`: where each
 * of them does.
 */
async function setUp(): Promise<Scene & { readonly ends: readonly number[] }> {
  const scene = fakeScene([NAME, STATE]);
  const { clock, cluster } = scene;
  const journals = scene.connect();
  const ends: number[] = [];
  for (let batch = 0; batch < BATCHES; batch += 1) {
    await settled(clock, journals.append(JOURNAL, chunks(2 * batch, 2)));
    ends.push(cluster.contentOf(NAME).length);
  }
  return { ...scene, ends };
}

for (const isPersisted of [true, false]) {
  const where = isPersisted ? 'is in the store' : 'is in the spools alone';
  test(`a reader below the first fragment is told that the journal is trimmed; the fragment ${where}`, async (t) => {
    const { clock, cluster, connect, lines, ends } = await setUp();
    const [, begin = 0] = ends;
    cluster.trimmed.set(NAME, { begin, isPersisted });
    const came = watch(connect().read(JOURNAL, 0, { creditBytes: 1e6 }).next());
    await clock.advance(15_000);
    t.is(came.value, undefined, 'too early: an earlier fragment may be on its way to the store');
    await clock.advance(MINUTE_MS);
    t.deepEqual(came.value, { end: 'trimmed', begin });
    t.deepEqual(
      lines.filter((line) => line.includes('hole')),
      [],
    );
  });
}

test('a reader at the first fragment reads on, and where everything is trimmed the head is named', async (t) => {
  const { clock, cluster, connect, ends } = await setUp();
  const [first = 0, second = 0] = ends;
  cluster.trimmed.set(NAME, { begin: first, isPersisted: true });
  const batch = await settled(clock, connect().read(JOURNAL, first, { creditBytes: 1e6 }).next());
  t.like(batch, { begin: first, end: second });
  const head = cluster.contentOf(NAME).length;
  cluster.trimmed.set(NAME, { begin: head, isPersisted: false });
  const came = watch(connect().read(JOURNAL, second, { creditBytes: 1e6 }).next());
  await clock.advance(MINUTE_MS);
  t.deepEqual(came.value, { end: 'trimmed', begin: head });
});

test('a broker that does not know of the first fragment yet proves nothing by its jump', async (t) => {
  const { clock, cluster, connect, ends } = await setUp();
  const [first = 0, second = 0] = ends;
  cluster.jumps = { place: 0, to: second };
  cluster.listed.set(0, [[second, cluster.contentOf(NAME).length]]);
  const came = watch(connect().read(JOURNAL, 0, { creditBytes: 1e6 }).next());
  await clock.advance(MINUTE_MS);
  t.like(came.value, { begin: 0, end: first });
});

test('where a broker lists no fragments, a reader below the first one is told after four minutes', async (t) => {
  const { clock, cluster, connect, ends } = await setUp();
  const [, begin = 0] = ends;
  cluster.trimmed.set(NAME, { begin, isPersisted: false });
  cluster.unlisted.add(0);
  const came = watch(connect().read(JOURNAL, 0, { creditBytes: 1e6 }).next());
  await clock.advance(3 * MINUTE_MS);
  t.is(came.value, undefined);
  await clock.advance(2 * MINUTE_MS);
  t.deepEqual(came.value, { end: 'trimmed', begin });
});

for (const kept of [2, 0]) {
  test(`no index is made up for a producer whose place is trimmed, with ${kept} batches left`, async (t) => {
    const { clock, cluster, connect, ends } = await setUp();
    cluster.trimmed.set(NAME, { begin: ends.at(-1 - kept) ?? 0, isPersisted: false });
    for (const asked of [connect().expected(JOURNAL, PRODUCER), connect().pin(JOURNAL, 'reader')]) {
      const came = watch<unknown>(asked);
      await clock.advance(MINUTE_MS);
      t.is(came.failure?.code, 'ERR_NO_INDEX');
      t.regex(came.failure?.message ?? '', /is kept from \d+ on/);
    }
  });
}

test('a shard whose state log is trimmed is neither taken over nor begun anew', async (t) => {
  const { clock, cluster, connect } = await setUp();
  const reader = { take: (): void => {}, atEnd: (): void => {} };
  const log = connect().openState({ shard: 0, epoch: 1 });
  await settled(clock, log.claim({ begin: 0, sequence: 0 }, Buffer.from('claim'), reader));
  const head = cluster.contentOf(STATE).length;
  cluster.trimmed.set(STATE, { begin: head, isPersisted: false });
  const next = connect().openState({ shard: 0, epoch: 2 });
  t.like(await settled(clock, next.look()), { begin: head, snapshot: null });
  const claimed = watch(next.claim({ begin: 0, sequence: 0 }, Buffer.from('next'), reader));
  await clock.advance(MINUTE_MS);
  t.is(claimed.failure?.code, 'ERR_STATE_TRIMMED');
  t.is(cluster.contentOf(STATE).length, head, 'nothing was appended');
});
