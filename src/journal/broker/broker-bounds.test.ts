/** Bounds of the broker's messages and memory, and room that does not divide evenly. */

import test from 'ava';
import fc from 'fast-check';
import { forgeBatch } from '../../message/testing/forge.ts';
import { SUMS_JOURNAL, chunkJournal } from '../journals.ts';
import { BROKER_HEADER_BYTES_MAX, HEADER_BYTES_MAX, decodeClientMessage, encodeHeader } from '../protocol.ts';
import { isResultOf } from '../results.ts';
import { BrokerHarness, MIB, OTHER_PRODUCER, PRODUCER, chunks, sums } from '../testing/broker-harness.ts';
import { JOURNAL_PRODUCERS_MAX, RECENT_BYTES_MAX } from './state.ts';
import { testSeed } from '../testing/seed.ts';

const JOURNAL = chunkJournal(0);
/** The longest path that Linux accepts. */
const PATH_BYTES = 4_096;

/** A call's header, padded with blanks to a length. */
function headerOf(bytes: number): Buffer {
  const header = encodeHeader({ t: 'call', id: 1, call: { op: 'list' } });
  return Buffer.concat([header, Buffer.alloc(bytes - header.length, ' ')]);
}

test('many answers to appends leave in messages with a bounded number of answers, in order, each once', async (t) => {
  const harness = await BrokerHarness.start();
  const ids = Array.from({ length: 600 }, (_, index) => harness.append(JOURNAL, chunks(index, 1)));
  // Half of them are answered `expected`, without another commit.
  for (let again = 0; again < 600; again += 1) ids.push(harness.append(JOURNAL, chunks(0, 1)));
  await harness.commitAll();
  const messages = harness.sent.flatMap(({ message }) => (message.t === 'acks' ? [message] : []));
  t.deepEqual(
    messages.map(({ acks }) => acks.length),
    [256, 256, 256, 256, 176],
  );
  t.deepEqual(
    messages.flatMap(({ acks }) => acks.map(({ id }) => id)),
    ids,
  );
  for (const message of messages) t.true(encodeHeader(message).length < HEADER_BYTES_MAX);
});

test('the list of all journals and shards, with the longest paths, is a header that a client takes', async (t) => {
  const partitions = 256;
  const harness = await BrokerHarness.start({ partitions, retentionBytes: partitions * MIB });
  const path = '/'.padEnd(PATH_BYTES, 'p');
  for (let shard = 0; shard < partitions; shard += 1) {
    harness.call({ op: 'raise', shard, path, takeOver: true, from: 0 });
    harness.call({ op: 'confirm', owner: { shard, epoch: 1 }, path });
  }
  await harness.commitAll();
  // The harness decodes the answer as a client does.
  const list = await harness.ask({ op: 'list' });
  t.true(isResultOf('list', list));
  const bytes = JSON.stringify(list).length;
  t.true(bytes > partitions * PATH_BYTES && bytes < BROKER_HEADER_BYTES_MAX, `${bytes}`);
});

test("a client's header above its bound is refused before it is parsed, and at the bound taken", (t) => {
  t.like(decodeClientMessage(headerOf(HEADER_BYTES_MAX)), { t: 'call' });
  t.true('invalid' in decodeClientMessage(headerOf(HEADER_BYTES_MAX + 1)));
});

test('room that does not divide evenly gives whole bounds and offsets, over a restart too', async (t) => {
  const sumsBytes = 64 * 1024 + 1;
  const harness = await BrokerHarness.start({ partitions: 3, retentionBytes: MIB + 1, sumsBytes });
  const list = await harness.ask({ op: 'list' });
  t.true(isResultOf('list', list));
  t.like(list, { batchBytesMax: 16 * 1024 });
  const raised = (await harness.ask({ op: 'raise', shard: 0, path: '/one', takeOver: true, from: 0 })) as {
    epoch: number;
  };
  const owner = { shard: 0, epoch: raised.epoch };
  // Nobody has a pin on the sums: the newest half of an odd room is kept.
  for (let at = 0; at < 40; at += 1) {
    const outcome = await harness.appended(SUMS_JOURNAL, sums(at * 100, 100, owner), owner);
    t.like(outcome, { outcome: 'committed', begin: at * (48 + 64 * 100) });
  }
  t.is(harness.fatal, null);
  await harness.restart();
  const { journals } = (await harness.ask({ op: 'list' })) as { journals: { name: string; begin: number }[] };
  const begin = journals.find(({ name }) => name === SUMS_JOURNAL)?.begin ?? 0;
  t.is(harness.delivered(harness.read(SUMS_JOURNAL, begin))[0]?.begin, begin);
  t.true(begin > 0);
});

test('a small batch is kept in a small buffer, not in that of the message that it came in', async (t) => {
  const harness = await BrokerHarness.start();
  // For a reader without credit the batch stays in memory.
  harness.read(JOURNAL, 0, { through: 0 });
  const batch = chunks(0, 1);
  // Larger than Node's pool of small buffers in any version.
  const message = Buffer.alloc(4 * MIB);
  message.set(batch, 100);
  await harness.appended(JOURNAL, message.subarray(100, 100 + batch.length));
  const journal = harness.broker.state.journals.get(JOURNAL);
  const kept = journal?.recall(0)?.bytes;
  t.deepEqual(kept, batch);
  t.not(kept?.buffer, message.buffer);
  t.true((kept?.buffer.byteLength ?? 0) < MIB);
  t.true(journal?.producers.has(PRODUCER));
});

test('a batch stays in memory until the reader that is furthest behind has taken it, and no longer', async (t) => {
  const harness = await BrokerHarness.start();
  const journal = harness.broker.state.journals.get(JOURNAL);
  const isKept = (): boolean => journal?.recall(0) !== undefined;
  const prompt = harness.read(JOURNAL, 0);
  const slow = harness.read(JOURNAL, 0, { through: 0 });
  await harness.appended(JOURNAL, chunks(0, 1));
  t.is(harness.delivered(prompt).length, 1);
  t.true(isKept());
  harness.send('a', { t: 'cancel', stream: slow });
  await harness.appended(JOURNAL, chunks(1, 1));
  t.false(isKept());
  // A later reader reads it from the store.
  t.deepEqual(
    harness.delivered(harness.read(JOURNAL, 0)).map(({ begin }) => begin),
    harness.delivered(prompt).map(({ begin }) => begin),
  );
  t.is(harness.delivered(prompt).length, 2);
});

test('a batch whose header counts more than it holds is corrupt and not appended; others go on', async (t) => {
  const seed = testSeed(t);
  const anyHuge = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(0n, 2n ** 53n - 1n, 2n ** 53n));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('chunks', 'sums', 'end'),
      fc.integer({ min: 0, max: 0xffff_ffff }),
      anyHuge,
      fc.uint8Array({ maxLength: 200 }),
      async (kind, count, firstIndex, payload) => {
        const harness = await BrokerHarness.start();
        const forged = forgeBatch({ kind, producer: OTHER_PRODUCER, count, firstIndex, epoch: 0 }, payload, JOURNAL);
        const outcome = await harness.appended(JOURNAL, forged);
        if (outcome?.outcome !== 'corrupt') {
          // An accepted batch has room for the count in its header, so its index never exceeds the bytes that were
          // sent.
          if (count > Math.max(1, payload.length / 24))
            throw new Error(`${count} in ${payload.length}: ${outcome?.outcome}`);
          return;
        }
        const expected = await harness.ask({ op: 'expected', journal: JOURNAL, producer: OTHER_PRODUCER });
        if ((expected as { n: number }).n !== 0) throw new Error('its index moved');
        if ((await harness.appended(JOURNAL, chunks(0, 1)))?.outcome !== 'committed')
          throw new Error('the broker is gone');
      },
    ),
    { seed, numRuns: 200 },
  );
  t.pass();
});

test('the largest batches of as many journals as there may be keep no more memory than one journal may', async (t) => {
  const partitions = 256;
  const harness = await BrokerHarness.start({ partitions, retentionBytes: partitions * 16 * MIB, sumsBytes: 16 * MIB });
  for (let partition = 0; partition < 24; partition += 1) {
    const journal = chunkJournal(partition);
    harness.send('a', { t: 'ping', n: partition, partBytes: 65_536, credits: [] });
    // For a reader without credit its batch would be kept.
    harness.read(journal, 0, { through: 0 });
    t.like(await harness.appended(journal, chunks(0, 1, { journal, dataBytes: 4 * MIB - 72 })), {
      outcome: 'committed',
    });
    t.true(harness.broker.state.recentBytes <= RECENT_BYTES_MAX);
  }
  t.true(harness.broker.state.recentBytes > RECENT_BYTES_MAX / 2);
  // Each batch can be read.
  for (const partition of [0, 23]) {
    const journal = harness.broker.state.journals.get(chunkJournal(partition));
    t.is(journal && harness.broker.state.batchAt(journal, 0)?.bytes.length, 4 * MIB);
  }
});

test('the answer to a pin names as many producers as a journal may have, and is a header that a client takes', (t) => {
  const entries = Array.from({ length: JOURNAL_PRODUCERS_MAX }, (_, at) => [
    (0x8000_0000 + at).toString(16).padEnd(16, 'f'),
    Number.MAX_SAFE_INTEGER,
  ]);
  const result = { offset: Number.MAX_SAFE_INTEGER, nextIndexes: Object.fromEntries(entries) };
  t.true(isResultOf('hold', result));
  t.true(JSON.stringify(result).length < BROKER_HEADER_BYTES_MAX / 1.5);
});
