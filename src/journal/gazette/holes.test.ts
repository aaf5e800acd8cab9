/** When a reader passes over a hole, and when it waits for what may come, and says that it is lost. */

import test from 'ava';
import { settled } from '../../core/testing/manual-clock.ts';
import { JOURNAL, PRODUCER, chunks } from '../conformance/asking.ts';
import { stateJournal } from '../journals.ts';
import { type Scene, fakeScene, watch } from './testing/scene.ts';

const MINUTE_MS = 60_000;
const NAME = `p/${JOURNAL}`;
const STATE = `p/${stateJournal(0)}`;

/** Batches before, in and behind a hole: the one in it was half committed, and was sent again. */
async function withHole(scene: Scene, { isSentAgain = true } = {}): Promise<readonly [begin: number, end: number]> {
  const { clock, cluster, connect } = scene;
  const journals = connect();
  await settled(clock, journals.append(JOURNAL, chunks(0, 2)));
  const begin = cluster.contentOf(NAME).length;
  const lost = await settled(clock, journals.append(JOURNAL, chunks(2, 2)));
  if (lost.outcome !== 'committed') throw new Error(lost.outcome);
  const end = cluster.contentOf(NAME).length;
  cluster.holes.set(NAME, { begin, end });
  // By its name: the engine would skip what it has appended.
  const next = chunks(isSentAgain ? 2 : 4, 2);
  await cluster.append({ journal: NAME }, [next]);
  return [begin, end];
}

test('a hole is passed over, and the batch behind it begins where the batch before it ended', async (t) => {
  const scene = fakeScene([NAME, STATE]);
  const { clock, cluster, lines, connect } = scene;
  const [begin, end] = await withHole(scene);
  const stream = connect().read(JOURNAL, 0, { creditBytes: 1e6 });
  const before = await settled(clock, stream.next());
  const came = watch(stream.next());
  await clock.advance(20_000);
  t.is(came.value, undefined, 'too early: a broker may not have looked at the store yet');
  await clock.advance(20_000);
  const behind = came.value;
  if (!before || !('bytes' in before) || !behind || !('bytes' in behind)) throw new Error('batches come');
  t.is(before.end, begin);
  t.is(behind.begin, begin);
  t.is(behind.end, cluster.contentOf(NAME).length);
  t.deepEqual(Buffer.from(behind.bytes), Buffer.from(chunks(2, 2)));
  t.deepEqual(
    lines.filter((line) => line.includes('hole')),
    [`${NAME} has a hole from ${begin} to ${end}: it was passed over`],
  );
});

test('a batch behind a hole that is read again still begins at the hole', async (t) => {
  const scene = fakeScene([NAME, STATE]);
  const { clock, cluster, connect } = scene;
  const [begin] = await withHole(scene);
  const stream = connect().read(JOURNAL, begin, { creditBytes: 1e6 });
  const came = watch(stream.next());
  await clock.advance(10_000);
  // What this process serves is covered by nobody's barrier.
  cluster.server = 'of another time';
  await clock.advance(MINUTE_MS);
  t.is(came.value, undefined);
  cluster.server = 'a';
  await clock.advance(1_000);
  if (!came.value || !('bytes' in came.value)) throw new Error('a batch comes');
  t.is(came.value.begin, begin);
});

test('what one broker lists is waited for', async (t) => {
  const scene = fakeScene([NAME, STATE]);
  const { clock, cluster, connect } = scene;
  const [begin, end] = await withHole(scene);
  cluster.listed.set(3, [[begin, end]]);
  const came = watch(connect().read(JOURNAL, begin, { creditBytes: 1e6 }).next());
  await clock.advance(2 * MINUTE_MS);
  t.deepEqual(came, { value: undefined, failure: undefined });
  cluster.holes.clear();
  await clock.advance(MINUTE_MS);
  if (!came.value || !('bytes' in came.value)) throw new Error('a batch comes');
  t.is(came.value.end, end);
});

test('without the list of a broker that has acknowledged the barrier, nothing is passed over', async (t) => {
  const scene = fakeScene([NAME, STATE]);
  const { clock, cluster, connect } = scene;
  const [begin] = await withHole(scene);
  cluster.unlisted.add(0);
  const came = watch(connect().read(JOURNAL, begin, { creditBytes: 1e6 }).next());
  await clock.advance(5 * MINUTE_MS);
  t.is(came.failure?.kind, 'acknowledged-loss');
  t.deepEqual(came.failure?.witness, { journal: NAME, offset: begin });
});

test('a broker that does not answer now and then makes the proof begin anew', async (t) => {
  const scene = fakeScene([NAME, STATE]);
  const { clock, cluster, connect } = scene;
  const [begin] = await withHole(scene);
  const came = watch(connect().read(JOURNAL, begin, { creditBytes: 1e6 }).next());
  for (let round = 0; round < 5; round += 1) {
    await clock.advance(12_000);
    cluster.unlisted.add(0);
    await clock.advance(6_000);
    cluster.unlisted.clear();
  }
  t.is(came.value, undefined);
  await clock.advance(MINUTE_MS);
  t.truthy(came.value);
});

test('records that were acknowledged and lay in a hole are missing for who reads on', async (t) => {
  const scene = fakeScene([NAME, STATE]);
  const { clock, connect } = scene;
  await withHole(scene, { isSentAgain: false });
  const came = watch(connect().expected(JOURNAL, PRODUCER));
  await clock.advance(5 * MINUTE_MS);
  t.is(came.failure?.kind, 'gap');
});

test('a producer whose append is a hole at the end of the journal sends it again', async (t) => {
  const { clock, cluster, connect } = fakeScene([NAME, STATE]);
  const first = connect();
  await settled(clock, first.append(JOURNAL, chunks(0, 2)));
  cluster.fateOf = ({ parts }) => (parts.length > 0 ? 'half' : 'done');
  const lost = await settled(clock, first.append(JOURNAL, chunks(2, 2)));
  t.is(lost.outcome, 'unknown');
  cluster.fateOf = () => 'done';
  const again = connect();
  const appended = watch(again.append(JOURNAL, chunks(2, 2)));
  await clock.advance(MINUTE_MS);
  t.is(appended.value?.outcome, 'committed');
  t.is(cluster.holes.size, 1);
});

test('an entry of a state log that is a hole is appended again behind it', async (t) => {
  const { clock, cluster, connect } = fakeScene([NAME, STATE]);
  const log = connect().openState({ shard: 0, epoch: 1 });
  await settled(clock, log.look());
  const claimed = await settled(
    clock,
    log.claim({ begin: 0, sequence: 0 }, Buffer.from('claim'), { take: () => {}, atEnd: () => {} }),
  );
  if (claimed === 'fenced') throw new Error('nobody else claims');
  let lost = 0;
  cluster.fateOf = ({ parts }) => {
    if (parts.length === 0 || lost > 0) return 'done';
    lost += 1;
    return 'half';
  };
  const put = watch(log.append([Buffer.from('entry')]));
  await clock.advance(MINUTE_MS);
  if (put.value === undefined || put.value === 'fenced') throw new Error('it is appended');
  const [place] = put.value;
  t.is(place?.begin, cluster.holes.get(STATE)?.end);
  t.is(place?.sequence, claimed.sequence + 1);
  // The next owner reads over the hole too.
  const next = connect().openState({ shard: 0, epoch: 2 });
  const taken: string[] = [];
  const claim = watch(
    next.claim({ begin: 0, sequence: 0 }, Buffer.from('next'), {
      take: ({ bytes }) => void taken.push(String(bytes)),
      atEnd: () => {},
    }),
  );
  await clock.advance(MINUTE_MS);
  t.truthy(claim.value);
  t.deepEqual(taken, ['claim', 'entry']);
});

test('a client that is closed while it reads for an index finds none', async (t) => {
  const { clock, cluster, connect } = fakeScene([NAME, STATE]);
  const other = connect();
  for (const first of [0, 2]) await settled(clock, other.append(JOURNAL, chunks(first, 2)));
  const journals = connect();
  const expected = watch(journals.expected(JOURNAL, PRODUCER));
  // What it has read waits for a barrier.
  await clock.until(() => cluster.reads.open === 1);
  cluster.fateOf = () => 4;
  await clock.advance(1_000);
  t.deepEqual(expected, { value: undefined, failure: undefined });
  journals.close();
  await clock.advance(1_000);
  t.is(expected.value, undefined);
  t.is(expected.failure?.code, 'ERR_CLOSED');
});
