import test from 'ava';
import { PROMISES } from '../../../src/journal/promises.ts';
import { BatchReader } from './batch-reader.ts';
import { buildHistory } from './testing/history-builder.ts';
import { decoded, isChunks, isSums, resealed } from './testing/planted.ts';

test('where an engine may store records twice, each is new once, and the others are counted', (t) => {
  const reader = new BatchReader(PROMISES.gazette);
  for (const event of buildHistory({ seed: 3 })) {
    if (!isChunks(event) && !isSums(event)) continue;
    const before = reader.repeatedRecords;
    t.is(reader.readNew(event), reader.readSound(event));
    t.is(reader.repeatedRecords, before);
    // An event of the same bytes, as after an append that was sent again.
    const again = { ...event };
    t.is(reader.readNew(again), null);
    t.is(reader.repeatedRecords, before + decoded(event).count);
    t.deepEqual(reader.readSound(again), reader.readSound(event));
  }
});

test('a batch of which a part is new is handed on without what stood there before', (t) => {
  for (const kind of [isChunks, isSums]) {
    const reader = new BatchReader(PROMISES.gazette);
    const event = buildHistory({ seed: 3 })
      .filter(kind)
      .find((batch) => decoded(batch).count > 2);
    if (event === undefined) throw new Error('the history has batches of several records');
    const { firstIndex, count } = decoded(event);
    const begun = resealed(event, { firstIndex: 0 });
    const whole = reader.readNew(begun);
    // It begins two records before the end of the one before.
    const part = reader.readNew(resealed(event, { firstIndex: count - 2 }));
    if (whole === null || part === null) throw new Error(`there is something new at ${firstIndex}`);
    t.deepEqual([part.firstIndex, part.count], [count, count - 2]);
    const tail = Buffer.from(whole.payload).subarray(whole.payload.length - part.payload.length);
    t.deepEqual(Buffer.from(part.payload), tail);
    t.is(reader.repeatedRecords, 2);
  }
});

test('elsewhere nothing hides a repetition', (t) => {
  const reader = new BatchReader(PROMISES.embedded);
  const event = buildHistory({ seed: 3 }).find(isChunks);
  if (event === undefined) throw new Error('the history has chunks');
  t.not(reader.readNew(event), null);
  t.deepEqual(reader.readNew({ ...event }), reader.readSound(event));
  t.is(reader.repeatedRecords, 0);
});
