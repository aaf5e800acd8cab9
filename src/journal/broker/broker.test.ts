import test, { type ExecutionContext } from 'ava';
import { crc32c } from '../../hash/crc32c.ts';
import { decodeBatch } from '../../message/batch.ts';
import { SUMS_JOURNAL, chunkJournal } from '../journals.ts';
import { PROTOCOL_VERSION } from '../protocol.ts';
import { BrokerHarness, MIB, OTHER_PRODUCER, PRODUCER, chunks, endOf, sums } from '../testing/broker-harness.ts';
import { listed, raised } from '../testing/broker-requests.ts';

const JOURNAL = chunkJournal(0);

// --- durable, then visible ---

test('neither an acknowledgement nor a batch leaves before the commit has resolved', async (t) => {
  const harness = await BrokerHarness.start();
  const stream = harness.read(JOURNAL, 0, { session: 'b' });
  const append = harness.append(JOURNAL, chunks(0, 2));
  const call = harness.call({ op: 'expected', journal: JOURNAL, producer: PRODUCER });
  const again = harness.append(JOURNAL, chunks(0, 2));
  await harness.clock.settle();
  t.is(harness.held.waiting.length, 1);
  t.deepEqual(harness.sent, []);
  const head = harness.call({ op: 'head', journal: JOURNAL });
  t.deepEqual(harness.answer(head), { head: 0 });
  await harness.commit();
  t.like(harness.outcome(append), { outcome: 'committed', begin: 0 });
  t.like(harness.answer(call), { outcome: 'expected', n: 2 });
  t.like(harness.outcome(again), { outcome: 'expected', n: 2 });
  t.is(harness.delivered(stream).length, 1);
});

test('what arrives while a commit is under way goes into the next one, without a timer', async (t) => {
  const harness = await BrokerHarness.start();
  const first = harness.append(JOURNAL, chunks(0, 1));
  await harness.clock.settle();
  const others = [1, 2, 3].map((index) => harness.append(JOURNAL, chunks(index, 1)));
  await harness.commit();
  t.is(harness.outcome(first)?.outcome, 'committed');
  t.true(others.every((id) => harness.outcome(id) === undefined));
  await harness.commit();
  t.true(others.every((id) => harness.outcome(id)?.outcome === 'committed'));
  t.is(harness.held.waiting.length, 0);
});

test('what arrives within one turn shares one commit', async (t) => {
  const harness = await BrokerHarness.start();
  const appends = [0, 1, 2].map((index) => harness.append(JOURNAL, chunks(index, 1)));
  await harness.commit();
  t.true(appends.every((id) => harness.outcome(id)?.outcome === 'committed'));
});

test('a failed commit stops the broker: nothing is acknowledged any more', async (t) => {
  const harness = await BrokerHarness.start();
  harness.store.gate = () => {
    throw new Error('no space left');
  };
  const append = harness.append(JOURNAL, chunks(0, 1));
  await harness.clock.settle();
  t.is((harness.fatal as Error).message, 'no space left');
  harness.append(JOURNAL, chunks(1, 1));
  harness.call({ op: 'expected', journal: JOURNAL, producer: PRODUCER });
  await harness.clock.settle();
  t.is(harness.outcome(append), undefined);
  t.deepEqual(harness.sent, []);
});

test('the answers of a commit carry a time after it', async (t) => {
  const harness = await BrokerHarness.start();
  const append = harness.append(JOURNAL, chunks(0, 1));
  harness.clock.jump(500);
  await harness.commit();
  t.like(harness.outcome(append), { outcome: 'committed', stampNs: harness.clock.nowNs() });
});

// --- what an append is answered ---

test('a batch that does not belong where it was sent is rejected with the reason', async (t) => {
  const harness = await BrokerHarness.start();
  const owner = await raised(harness);
  const inSums = (bytes: Buffer, of = owner): Promise<unknown> => harness.appended(SUMS_JOURNAL, bytes, of);
  const rejected = (outcome: unknown, reason: RegExp): void => {
    t.is((outcome as { outcome: string }).outcome, 'rejected');
    t.regex((outcome as { reason: string }).reason, reason);
  };
  rejected(await harness.appended('nowhere', chunks(0, 1, { journal: 'nowhere' })), /no journal nowhere/);
  rejected(await harness.appended(JOURNAL, chunks(0, 1, { kind: 'sums', dataBytes: 40 })), /sums do not go/);
  rejected(await harness.appended(JOURNAL, chunks(0, 1, { producer: '0000000000000001' })), /zero byte/);
  rejected(await harness.appended(JOURNAL, chunks(0, 1, { epoch: 1 })), /no epoch/);
  rejected(await inSums(chunks(0, 1, { journal: SUMS_JOURNAL })), /only sums/);
  rejected(await harness.appended(SUMS_JOURNAL, sums(0, 1, owner)), /needs its shard/);
  rejected(await inSums(sums(0, 1, { shard: 1, epoch: owner.epoch })), /not that of the shard/);
  rejected(await inSums(sums(0, 1, { shard: 0, epoch: owner.epoch + 1 })), /another epoch/);
  t.like(await inSums(sums(0, 1, owner)), { outcome: 'committed' });
});

test('a batch that was damaged or meant for another journal is corrupt, and nothing of it is appended', async (t) => {
  const harness = await BrokerHarness.start();
  const sound = chunks(0, 1);
  for (let bit = 0; bit < sound.length * 8; bit += 7) {
    const damaged = Buffer.from(sound);
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    t.is((await harness.appended(JOURNAL, damaged))?.outcome, 'corrupt', `bit ${bit}`);
  }
  t.is((await harness.appended(JOURNAL, chunks(0, 1, { journal: chunkJournal(1) })))?.outcome, 'corrupt');
  t.is((await harness.appended(JOURNAL, new Uint8Array(0)))?.outcome, 'corrupt');
  t.like(await harness.appended(JOURNAL, sound), { outcome: 'committed', begin: 0 });
});

test('a batch above a quarter of the room of a journal is rejected, one of that size is taken', async (t) => {
  const harness = await BrokerHarness.start();
  const { batchBytesMax } = await listed(harness);
  t.is(batchBytesMax, MIB / 4);
  const outcome = await harness.appended(JOURNAL, chunks(0, 1, { dataBytes: batchBytesMax - 71 }));
  t.is(outcome?.outcome, 'rejected');
  t.like(await harness.appended(JOURNAL, chunks(0, 1, { dataBytes: batchBytesMax - 72 })), { outcome: 'committed' });
});

test('a producer that has ended stays ended, over a restart and by retire too', async (t) => {
  const harness = await BrokerHarness.start();
  await harness.appended(JOURNAL, chunks(0, 2));
  t.like(await harness.appended(JOURNAL, endOf(2)), { outcome: 'committed' });
  await harness.ask({ op: 'retire', journal: JOURNAL, producer: OTHER_PRODUCER });
  for (let start = 0; start < 2; start += 1) {
    for (const [producer, n] of [
      [PRODUCER, 3],
      [OTHER_PRODUCER, 1],
    ] as const) {
      t.deepEqual(await harness.ask({ op: 'expected', journal: JOURNAL, producer }), { outcome: 'ended', n });
      for (const first of [0, 1, 2, 3]) {
        t.deepEqual(await harness.appended(JOURNAL, chunks(first, 1, { producer })), { outcome: 'ended', n });
      }
    }
    await harness.restart();
  }
  t.like(await harness.appended(chunkJournal(1), chunks(0, 1, { journal: chunkJournal(1) })), { outcome: 'committed' });
});

test('retire appends the end at the next index once, however often it is asked', async (t) => {
  const harness = await BrokerHarness.start();
  await harness.appended(JOURNAL, chunks(0, 3));
  for (let run = 0; run < 3; run += 1) {
    t.deepEqual(await harness.ask({ op: 'retire', journal: JOURNAL, producer: PRODUCER }), { outcome: 'ended' });
  }
  const delivered = harness.delivered(harness.read(JOURNAL, 0));
  t.is(delivered.length, 2);
  t.like(decodeBatch(delivered[1]?.bytes ?? new Uint8Array(), JOURNAL, crc32c), { kind: 'end', firstIndex: 3 });
  t.deepEqual(await harness.ask({ op: 'retire', journal: SUMS_JOURNAL, producer: PRODUCER }), {
    refused: 'a shard has no end',
  });
});

// --- stamps ---

async function stampsOf(t: ExecutionContext, harness: BrokerHarness): Promise<number[]> {
  const stamps = harness.delivered(harness.read(SUMS_JOURNAL, 0)).map(({ stampNs }) => stampNs);
  t.true(stamps.length > 0);
  return stamps;
}

test('sums keep their stamps over a restart, not over a boot; the last commit gets its stamp when shown', async (t) => {
  const harness = await BrokerHarness.start();
  const owner = await raised(harness);
  await harness.appended(SUMS_JOURNAL, sums(0, 1, owner), owner);
  const first = harness.clock.nowNs();
  harness.clock.jump(1_000);
  // This commit makes the stamp of the first commit durable, but not its own stamp.
  harness.append(SUMS_JOURNAL, sums(1, 1, owner), { owner });
  await harness.clock.settle();
  harness.clock.jump(1_000);
  await harness.restart('durable');
  const restarted = harness.clock.nowNs();
  t.deepEqual(await stampsOf(t, harness), [first, restarted]);
  harness.clock.jump(1_000);
  await harness.restart();
  t.deepEqual(await stampsOf(t, harness), [first, restarted]);
  harness.bootHash = 8;
  await harness.restart();
  t.deepEqual(await stampsOf(t, harness), [0, 0]);
});

// --- sessions ---

test('a session that the broker does not know is told to reopen, whatever it asks', async (t) => {
  const harness = await BrokerHarness.start();
  harness.send('stranger', { t: 'ping', n: 1, partBytes: 65_536, credits: [] });
  harness.append(JOURNAL, chunks(0, 1), { session: 'stranger' });
  harness.call({ op: 'list' }, 'stranger');
  await harness.commitAll();
  t.deepEqual(
    harness.sent.map(({ session, message }) => [session, message.t]),
    Array.from({ length: 3 }, () => ['stranger', 'reopen']),
  );
  t.deepEqual(harness.delivered(harness.read(JOURNAL, 0)), []);
});

test('a session of another protocol version is refused with both versions', async (t) => {
  const harness = await BrokerHarness.start();
  harness.send('old', { t: 'open', version: PROTOCOL_VERSION + 1, client: 'old' });
  t.like(harness.sent.at(-1)?.message, {
    t: 'refused',
    reason: `protocol version ${PROTOCOL_VERSION + 1}, this broker speaks ${PROTOCOL_VERSION}`,
  });
});

test('a session that says nothing is forgotten, one that pings is kept', async (t) => {
  const harness = await BrokerHarness.start();
  for (let second = 0; second < 12; second += 1) {
    await harness.clock.advance(1_000);
    harness.send('a', { t: 'ping', n: 1, partBytes: 65_536, credits: [] });
  }
  harness.send('b', { t: 'ping', n: 1, partBytes: 65_536, credits: [] });
  t.is(harness.sent.at(-1)?.message.t, 'reopen');
  t.is(harness.sent.at(-2)?.message.t, 'pong');
});

test('sessions and streams of one session are bounded, and those at the bound are told', async (t) => {
  const harness = await BrokerHarness.start();
  for (let session = 0; session < 1_100; session += 1) {
    harness.send(`session-${session}`, { t: 'open', version: PROTOCOL_VERSION, client: 'many' });
  }
  t.like(harness.sent.at(-1)?.message, { t: 'busy', reason: 'the broker has 1024 sessions, and opens no more' });
  const streams = Array.from({ length: 400 }, () => harness.read(JOURNAL, 0));
  t.is(streams.filter((stream) => harness.ended(stream)?.reason === 'rejected').length, 400 - 320);
});

test('a session that has ended makes room for another one at once', async (t) => {
  const harness = await BrokerHarness.start();
  const open = (session: string): string | undefined => {
    harness.send(session, { t: 'open', version: PROTOCOL_VERSION, client: 'many' });
    return harness.sent.at(-1)?.message.t;
  };
  for (let session = 0; session < 1_024 - 2; session += 1) t.is(open(`session-${session}`), 'opened');
  t.is(open('one more'), 'busy');
  harness.broker.unreachable('session-7');
  t.is(open('one more'), 'opened');
  t.is(open('and one more'), 'busy');
});

test('a batch in parts is appended when it is whole, and parts that do not fit end the session', async (t) => {
  const harness = await BrokerHarness.start();
  const batch = chunks(0, 1, { dataBytes: 100 });
  const part = (id: number, at: number, length: number, of = batch.length): void =>
    harness.send('a', { t: 'append', id, journal: JOURNAL, part: { at, of } }, batch.subarray(at, at + length));
  part(7, 0, 50);
  part(7, 50, 50);
  await harness.commitAll();
  t.is(harness.outcome(7), undefined);
  t.deepEqual(await listed(harness).then(({ journals }) => journals[0]?.head), 0);
  part(7, 100, batch.length - 100);
  await harness.commitAll();
  t.like(harness.outcome(7), { outcome: 'committed', begin: 0, end: batch.length });
  const wrong: (() => void)[] = [
    () => part(8, 50, 50),
    () => (part(8, 0, 50), part(8, 0, 50)),
    () => (part(8, 0, 50), part(8, 60, 50)),
    () => (part(8, 0, 50), part(9, 50, 50)),
    () => (part(8, 0, 50), part(8, 50, 50, batch.length + 1)),
    () => (part(8, 0, 50), part(8, 50, 0)),
    () => part(8, 0, 60, 50),
    () => part(8, 0, 50, 2 ** 40),
  ];
  for (const send of wrong) {
    send();
    t.is(harness.sent.at(-1)?.message.t, 'reopen');
    harness.send('a', { t: 'open', version: PROTOCOL_VERSION, client: 'a' });
  }
  await harness.commitAll();
  t.is((await listed(harness)).journals[0]?.head, batch.length);
});

test('a reader that asks for small messages gets a large batch in parts, as far as its credit goes', async (t) => {
  const harness = await BrokerHarness.start();
  const batch = chunks(0, 1, { dataBytes: 10_000 });
  await harness.appended(JOURNAL, batch);
  await harness.appended(JOURNAL, chunks(1, 1));
  harness.send('a', { t: 'ping', n: 1, partBytes: 4_000, credits: [] });
  const stream = harness.read(JOURNAL, 0, { through: 5_000 });
  const parts = (): { at: number; bytes: Uint8Array }[] =>
    harness.sent.flatMap(({ message, frames }) =>
      message.t === 'part' ? [{ at: message.at, bytes: frames[1] ?? new Uint8Array(0) }] : [],
    );
  t.deepEqual(
    parts().map(({ at, bytes }) => [at, bytes.length]),
    [
      [0, 4_000],
      [4_000, 4_000],
    ],
  );
  harness.send('a', { t: 'credit', credits: [{ stream, taken: 8_000, through: 13_000 }] });
  t.true(batch.equals(Buffer.concat(parts().map(({ bytes }) => bytes))));
  t.deepEqual(
    harness.delivered(stream).map(({ begin }) => begin),
    [batch.length],
  );
});

test('a session that has more on its way than is agreed, without asking how far the broker is, ends', async (t) => {
  const harness = await BrokerHarness.start();
  const junk = Buffer.alloc(4 * MIB);
  for (let message = 0; message < 20; message += 1) {
    harness.append(JOURNAL, junk);
    if (message % 7 === 6) harness.send('a', { t: 'ping', n: 1, partBytes: 65_536, credits: [] });
  }
  t.false(harness.sent.some(({ message }) => message.t === 'refused'));
  for (let message = 0; message < 8; message += 1) harness.append(JOURNAL, junk, { session: 'b' });
  t.like(harness.sent.at(-1), { session: 'b', message: { t: 'refused', id: null } });
  harness.append(JOURNAL, chunks(0, 1), { session: 'b' });
  t.is(harness.sent.at(-1)?.message.t, 'reopen');
});

test('a client that is unreachable loses its session and its answers, and nothing that was appended', async (t) => {
  const harness = await BrokerHarness.start();
  const append = harness.append(JOURNAL, chunks(0, 1));
  harness.broker.unreachable('a');
  await harness.commitAll();
  t.is(harness.outcome(append), undefined);
  t.is(harness.delivered(harness.read(JOURNAL, 0, { session: 'b' })).length, 1);
});

// --- streams ---

test('credit bounds what is sent, and is absolute: repeating it sends nothing twice', async (t) => {
  const harness = await BrokerHarness.start();
  for (let index = 0; index < 10; index += 1) await harness.appended(JOURNAL, chunks(index, 1));
  const bytes = chunks(0, 1).length;
  const stream = harness.read(JOURNAL, 0, { through: 3 * bytes });
  t.is(harness.delivered(stream).length, 3);
  const credit = { stream, taken: 2 * bytes, through: 5 * bytes };
  for (let repeat = 0; repeat < 3; repeat += 1) harness.send('a', { t: 'credit', credits: [credit] });
  harness.send('a', { t: 'ping', n: 1, partBytes: 65_536, credits: [{ ...credit, through: 4 * bytes }] });
  t.deepEqual(
    harness.delivered(stream).map(({ begin }) => begin),
    [0, 1, 2, 3, 4].map((at) => at * bytes),
  );
});

test('a reader that takes nothing is sent a bounded number of messages, whatever its credit', async (t) => {
  const harness = await BrokerHarness.start();
  const stream = harness.read(JOURNAL, 0);
  for (let index = 0; index < 50; index += 1) await harness.appended(JOURNAL, chunks(index, 1));
  const messages = (): number => harness.sent.filter(({ message }) => message.t === 'batches').length;
  t.is(messages(), 32);
  const taken = harness.delivered(stream)[9]?.end ?? 0;
  harness.send('a', { t: 'credit', credits: [{ stream, taken, through: Number.MAX_SAFE_INTEGER }] });
  t.is(harness.delivered(stream).length, 50);
});

test('a stream from inside a batch or beyond the head is missing, from an unknown journal rejected', async (t) => {
  const harness = await BrokerHarness.start();
  await harness.appended(JOURNAL, chunks(0, 1));
  const bytes = chunks(0, 1).length;
  for (const [journal, offset, reason, detail] of [
    [JOURNAL, 1, 'missing', /no batch .* begins at 1/],
    [JOURNAL, bytes + 1, 'missing', /ends at 73, before 74/],
    ['nowhere', 0, 'rejected', /no journal nowhere/],
  ] as const) {
    const end = harness.ended(harness.read(journal, offset));
    t.is(end?.reason, reason);
    t.regex(end?.detail ?? '', detail);
  }
});

test('a cancelled stream sends nothing more', async (t) => {
  const harness = await BrokerHarness.start();
  const stream = harness.read(JOURNAL, 0);
  harness.send('a', { t: 'cancel', stream });
  await harness.appended(JOURNAL, chunks(0, 1));
  t.deepEqual(harness.delivered(stream), []);
  t.is(harness.delivered(harness.read(JOURNAL, 0)).length, 1);
});

test('stopping commits and answers what was accepted', async (t) => {
  const harness = await BrokerHarness.start();
  const append = harness.append(JOURNAL, chunks(0, 1));
  const stopped = harness.broker.stop();
  await harness.commit();
  await stopped;
  t.is(harness.outcome(append)?.outcome, 'committed');
});
