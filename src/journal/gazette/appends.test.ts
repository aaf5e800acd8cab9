/** What appends leave in a journal whose brokers lose answers and carry out late, as its readers take it. */

import test from 'ava';
import { settled } from '../../core/testing/manual-clock.ts';
import { crc32c } from '../../hash/crc32c.ts';
import { decodeBatch } from '../../message/batch.ts';
import { JOURNAL, PRODUCER, chunks, end } from '../conformance/asking.ts';
import { BatchCutter } from './batch-cutter.ts';
import { GazetteJournals } from './gazette-journals.ts';
import { STATUS } from './status.ts';
import { type AskedAppend, type FakeCluster, type Fate, grpcError } from './testing/fake-cluster.ts';
import { fakeScene } from './testing/scene.ts';

/** Records of more than half a MiB. */
const LARGE_CHUNKS = 30_000;
/** After so long the next append waits for nothing. */
const IDLE_MS = 200;

/** `fate` for the append of this number, barriers not counted; the others are done. */
function fateOfAppend(number: number, fate: Fate): (append: AskedAppend) => Fate {
  let appends = 0;
  return ({ parts }) => {
    if (parts.length === 0) return 'done';
    appends += 1;
    return appends === number ? fate : 'done';
  };
}

/** What readers take of the journal: they skip below the next index, and forget the producer with its end. */
function taken(cluster: FakeCluster): string[] {
  const batches = new BatchCutter(0).push(cluster.contentOf(`p/${JOURNAL}`));
  if ('fault' in batches) return [batches.fault];
  let next = 0;
  const seen: string[] = [];
  for (const { bytes } of batches) {
    const batch = decodeBatch(bytes, JOURNAL, crc32c);
    if ('fault' in batch) return [batch.fault];
    const { kind, firstIndex, count } = batch;
    if (firstIndex > next) seen.push(`gap ${next} to ${firstIndex - 1}`);
    if (firstIndex + count <= next) continue;
    seen.push(kind === 'end' ? `end ${firstIndex}` : `records ${next} to ${firstIndex + count - 1}`);
    next = kind === 'end' ? 0 : firstIndex + count;
  }
  return seen;
}

test('appends that wait for others are carried out together, and at once when they are enough', async (t) => {
  const { clock, cluster, connect } = fakeScene([`p/${JOURNAL}`]);
  const journals = connect();
  const sizes: number[] = [];
  cluster.fateOf = ({ parts }) => {
    if (parts.length > 0) sizes.push(parts.length);
    return 'done';
  };
  await settled(clock, journals.append(JOURNAL, chunks(0, 2)));
  const [small, large] = [journals.append(JOURNAL, chunks(2, 2)), journals.append(JOURNAL, chunks(4, LARGE_CHUNKS))];
  await clock.advance(0);
  t.deepEqual(sizes, [1, 2]);
  t.is((await small).outcome, 'committed');
  t.is((await large).outcome, 'committed');
  const after = [
    journals.append(JOURNAL, chunks(4 + LARGE_CHUNKS, 2)),
    journals.append(JOURNAL, chunks(6 + LARGE_CHUNKS, 2)),
  ];
  await clock.advance(149);
  t.deepEqual(sizes, [1, 2]);
  await clock.advance(1);
  t.deepEqual(sizes, [1, 2, 2]);
  for (const { outcome } of await Promise.all(after)) t.is(outcome, 'committed');
});

test('a late copy of a batch behind the end of its producer is not appended', async (t) => {
  const { clock, cluster, connect } = fakeScene([`p/${JOURNAL}`]);
  const journals = connect();
  cluster.fateOf = fateOfAppend(1, 'late');
  t.is((await settled(clock, journals.append(JOURNAL, chunks(0, 2)))).outcome, 'unknown');
  t.is((await settled(clock, journals.append(JOURNAL, chunks(0, 2)))).outcome, 'committed');
  t.is((await settled(clock, journals.append(JOURNAL, end(2)))).outcome, 'committed');
  t.deepEqual(
    cluster.late.map((arrive) => arrive()),
    [STATUS.REGISTER_MISMATCH],
  );
  t.deepEqual(taken(cluster), ['records 0 to 1', 'end 2']);
});

test('an end whose answer was lost is not appended twice, also when it was late', async (t) => {
  for (const fate of ['late', 'unanswered'] as const) {
    const { clock, cluster, connect } = fakeScene([`p/${JOURNAL}`]);
    const journals = connect();
    cluster.fateOf = fateOfAppend(2, fate);
    t.is((await settled(clock, journals.append(JOURNAL, chunks(0, 2)))).outcome, 'committed');
    t.is((await settled(clock, journals.append(JOURNAL, end(2)))).outcome, 'unknown');
    const again = await settled(clock, journals.append(JOURNAL, end(2)));
    t.is(again.outcome, fate === 'late' ? 'committed' : 'ended');
    for (const arrive of cluster.late) t.is(arrive(), STATUS.REGISTER_MISMATCH);
    t.deepEqual(taken(cluster), ['records 0 to 1', 'end 2'], fate);
  }
});

test('an end that arrives between the look for it and the next try is answered as the end', async (t) => {
  const { clock, cluster, connect } = fakeScene([`p/${JOURNAL}`]);
  const journals = connect();
  t.is((await settled(clock, journals.append(JOURNAL, chunks(0, 2)))).outcome, 'committed');
  cluster.fateOf = fateOfAppend(1, 'late');
  t.is((await settled(clock, journals.append(JOURNAL, end(2)))).outcome, 'unknown');
  cluster.fateOf = ({ parts }) => {
    if (parts.length > 0) for (const arrive of cluster.late.splice(0)) arrive();
    return 'done';
  };
  t.deepEqual(await settled(clock, journals.append(JOURNAL, end(2))), { outcome: 'ended', n: 3 });
  t.deepEqual(taken(cluster), ['records 0 to 1', 'end 2']);
});

test('a batch of the dead producer that lands before the end of whoever retires it is ended too', async (t) => {
  const { clock, cluster, connect } = fakeScene([`p/${JOURNAL}`]);
  const dead = connect();
  t.is((await settled(clock, dead.append(JOURNAL, chunks(0, 4)))).outcome, 'committed');
  cluster.fateOf = fateOfAppend(1, 'late');
  t.is((await settled(clock, dead.append(JOURNAL, chunks(4, 2)))).outcome, 'unknown');
  dead.close();
  const journals = connect();
  cluster.fateOf = ({ parts }) => {
    if (parts.length > 0) for (const arrive of cluster.late.splice(0)) t.is(arrive(), STATUS.OK);
    return 'done';
  };
  await settled(clock, journals.retire(JOURNAL, PRODUCER));
  t.deepEqual(taken(cluster), ['records 0 to 3', 'records 4 to 5', 'end 6']);
  t.is(cluster.registersOf(`p/${JOURNAL}`).get(`ended-${PRODUCER}`), '7/2');
  t.deepEqual(await settled(clock, journals.expected(JOURNAL, PRODUCER)), { outcome: 'ended', n: 7 });
  t.deepEqual(await settled(clock, connect().append(JOURNAL, chunks(6, 1))), { outcome: 'ended', n: 7 });
});

test('whatever is late of two who retire one producer, the journal has one end that counts', async (t) => {
  for (let number = 1; number <= 4; number += 1) {
    for (const fate of ['late', 'unanswered'] as const) {
      const { clock, cluster, connect } = fakeScene([`p/${JOURNAL}`]);
      const dead = connect();
      t.is((await settled(clock, dead.append(JOURNAL, chunks(0, 4)))).outcome, 'committed');
      cluster.fateOf = fateOfAppend(1, 'late');
      t.is((await settled(clock, dead.append(JOURNAL, chunks(4, 2)))).outcome, 'unknown');
      const fateOf = fateOfAppend(number, fate);
      let isFirst = true;
      cluster.fateOf = (append) => {
        if (append.parts.length > 0 && isFirst) cluster.late.shift()?.();
        if (append.parts.length > 0) isFirst = false;
        return fateOf(append);
      };
      const both = Promise.all([connect().retire(JOURNAL, PRODUCER), connect().retire(JOURNAL, PRODUCER)]);
      await settled(clock, both);
      for (const arrive of cluster.late) t.is(arrive(), STATUS.REGISTER_MISMATCH);
      t.deepEqual(taken(cluster), ['records 0 to 3', 'records 4 to 5', 'end 6'], `${fate} ${number}`);
    }
  }
});

test('a producer that is retired while it lives is told its end, and finishes what the other began', async (t) => {
  const { clock, cluster, connect } = fakeScene([`p/${JOURNAL}`]);
  const living = connect();
  t.is((await settled(clock, living.append(JOURNAL, chunks(0, 4)))).outcome, 'committed');
  await clock.advance(IDLE_MS);
  const other = connect();
  let isFirst = true;
  cluster.fateOf = ({ parts }) => {
    if (parts.length === 0 || !isFirst) return 'done';
    isFirst = false;
    // The other one looked, the living one appends, and the other one dies behind its end.
    void living.append(JOURNAL, chunks(4, 2));
    return 'late';
  };
  const retired = other.retire(JOURNAL, PRODUCER).catch((error: unknown) => error);
  await clock.settle();
  other.close();
  t.is(((await retired) as { code?: string }).code, 'ERR_CLOSED');
  for (const arrive of cluster.late) t.is(arrive(), STATUS.OK);
  t.deepEqual(await settled(clock, living.append(JOURNAL, chunks(6, 1))), { outcome: 'ended', n: 7 });
  t.deepEqual(taken(cluster), ['records 0 to 3', 'records 4 to 5', 'end 6']);
});

test('retiring with a client that is closed meanwhile fails', async (t) => {
  const { clock, cluster, connect } = fakeScene([`p/${JOURNAL}`]);
  const journals = connect();
  cluster.fateOf = ({ parts }) => (parts.length === 0 ? 'done' : STATUS.INSUFFICIENT_JOURNAL_BROKERS);
  const retired = journals.retire(JOURNAL, PRODUCER);
  await clock.advance(1_000);
  journals.close();
  await t.throwsAsync(retired, { code: 'ERR_CLOSED' });
});

test('a witness of another cluster is known by the cluster, whatever journals this one has', async (t) => {
  const { clock, cluster, connect } = fakeScene([`p/${JOURNAL}`]);
  const journals = connect();
  t.is(journals.witness, null);
  t.is((await settled(clock, journals.append(JOURNAL, chunks(0, 2)))).outcome, 'committed');
  const witness = journals.witness ?? '';
  t.deepEqual(await settled(clock, connect().vouch(witness)), { outcome: 'held' });
  cluster.clusterId = '22';
  cluster.removeJournal(`p/${JOURNAL}`);
  const detail = 'the cluster was 11, and is 22 now';
  t.deepEqual(await settled(clock, connect().vouch(witness)), { outcome: 'lost', detail });
  const elsewhere = new GazetteJournals(cluster, { clock, address: 'gazette+http://other:8080/p', prefix: 'p/' });
  const address = 'gazette+http://fake:8080/p';
  t.deepEqual(await settled(clock, elsewhere.vouch(witness)), { outcome: 'elsewhere', address });
});

test('appends that are answered by nobody for long are told to the log', async (t) => {
  const { clock, cluster } = fakeScene([`p/${JOURNAL}`]);
  const lines: string[] = [];
  const say = (_: unknown, line: string): void => void lines.push(line);
  const address = 'gazette+http://fake:8080/p';
  const log = { info: say, warn: say, fatal: say };
  const journals = new GazetteJournals(cluster, { clock, address, prefix: 'p/', log });
  t.is((await settled(clock, journals.append(JOURNAL, chunks(0, 1)))).outcome, 'committed');
  cluster.fateOf = () => grpcError(14);
  // As an appender does: it sends again what had no answer.
  for (let tries = 0; tries < 80; tries += 1) {
    t.is((await settled(clock, journals.append(JOURNAL, chunks(1, 1)))).outcome, 'unknown');
  }
  t.deepEqual(lines, [`the cluster has not answered an append to ${JOURNAL} for 5 s`]);
  cluster.fateOf = () => 'done';
  t.is((await settled(clock, journals.append(JOURNAL, chunks(1, 1)))).outcome, 'committed');
  t.is(lines.at(-1), `the cluster answers an append to ${JOURNAL} again`);
});
