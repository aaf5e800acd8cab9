/** A client's streams: credit, parts of batches, and sessions that end in between. */

import test from 'ava';
import { chunks } from './testing/broker-harness.ts';
import { FakeDialer } from './testing/fake-dialer.ts';
import { CLOCK, JOURNAL, opened, settledValue } from './testing/client-scene.ts';

function batchAt(index: number): { span: readonly [number, number, number]; bytes: Buffer } {
  const bytes = chunks(index, 1);
  return { span: [index * bytes.length, (index + 1) * bytes.length, 5], bytes };
}

const BATCH_BYTES = batchAt(0).bytes.length;

function deliver(dialer: FakeDialer, stream: number, indexes: readonly number[]): void {
  const batches = indexes.map(batchAt);
  dialer.link.answer(
    { t: 'batches', stream, batches: batches.map(({ span }) => span) },
    { frames: batches.map(({ bytes }) => bytes) },
  );
}

test('a stream goes on where it was in a new session, without a gap or a repeat', async (t) => {
  const { client, dialer } = opened(t);
  const stream = client.read(JOURNAL, 0, { creditBytes: 1000 });
  const id = dialer.link.of('read')[0]?.stream ?? 0;
  deliver(dialer, id, [0, 1, 2]);
  t.like(await stream.next(), { begin: 0 });
  dialer.link.down();
  dialer.link.answer({ t: 'opened', store: 'a-store', clock: CLOCK });
  const [again] = dialer.link.of('read');
  t.like(again, { stream: id, offset: 3 * BATCH_BYTES, through: BATCH_BYTES + 1000 });
  deliver(dialer, id, [3]);
  for (const index of [1, 2, 3]) t.like(await stream.next(), { begin: index * BATCH_BYTES });
  t.is(await settledValue(stream.next()), 'waits');
});

test('what does not continue a stream restarts the session, and is never handed out', async (t) => {
  const wrong: readonly ((dialer: FakeDialer, stream: number) => void)[] = [
    (dialer, stream) => deliver(dialer, stream, [2]),
    (dialer, stream) => deliver(dialer, stream, [0]),
    (dialer, stream) => dialer.link.answer({ t: 'batches', stream, batches: [batchAt(1).span] }),
    (dialer, stream) =>
      dialer.link.answer({ t: 'batches', stream, batches: [batchAt(1).span] }, { frames: [Buffer.alloc(5)] }),
  ];
  for (const deliverWrong of wrong) {
    const { client, dialer, lost } = opened(t);
    const stream = client.read(JOURNAL, 0, { creditBytes: 1000 });
    const id = dialer.link.of('read')[0]?.stream ?? 0;
    deliver(dialer, id, [0]);
    deliverWrong(dialer, id);
    t.deepEqual(lost, ['the stream is not where it was']);
    t.like(await stream.next(), { begin: 0 });
    dialer.link.answer({ t: 'opened', store: 'a-store', clock: CLOCK });
    t.is(dialer.link.of('read')[0]?.offset, BATCH_BYTES);
    t.is(await settledValue(stream.next()), 'waits');
  }
});

test('credit is granted as batches are taken, never for what was only received', async (t) => {
  const { client, dialer } = opened(t);
  const creditBytes = 4 * BATCH_BYTES;
  const stream = client.read(JOURNAL, 0, { creditBytes });
  const id = dialer.link.of('read')[0]?.stream ?? 0;
  t.is(dialer.link.of('read')[0]?.through, creditBytes);
  deliver(dialer, id, [0, 1, 2, 3]);
  t.deepEqual(dialer.link.of('credit'), []);
  await stream.next();
  t.deepEqual(dialer.link.of('credit'), []);
  await stream.next();
  const taken = 2 * BATCH_BYTES;
  t.deepEqual(dialer.link.of('credit'), [
    { t: 'credit', credits: [{ stream: id, taken, through: taken + creditBytes }] },
  ]);
});

test('a batch that comes in parts is handed out whole, and its parts make room for the next ones', async (t) => {
  const { client, dialer } = opened(t);
  const stream = client.read(JOURNAL, 0, { creditBytes: 20 });
  const id = dialer.link.of('read')[0]?.stream ?? 0;
  const { span, bytes } = batchAt(0);
  const part = (at: number, length: number): void =>
    dialer.link.answer({ t: 'part', stream: id, batch: span, at }, { frames: [bytes.subarray(at, at + length)] });
  const next = stream.next();
  part(0, 20);
  t.deepEqual(dialer.link.of('credit').at(-1)?.credits, [{ stream: id, taken: 20, through: 40 }]);
  t.is(await settledValue(next), 'waits');
  part(20, 20);
  t.deepEqual(dialer.link.of('credit').at(-1)?.credits, [{ stream: id, taken: 40, through: 60 }]);
  part(40, BATCH_BYTES - 40);
  const whole = await next;
  t.like(whole, { begin: 0, end: BATCH_BYTES, stampNs: 5 });
  t.true(whole !== null && 'bytes' in whole && bytes.equals(whole.bytes));
  deliver(dialer, id, [1]);
  t.like(await stream.next(), { begin: BATCH_BYTES });
});

test('parts that do not follow each other restart the session, which asks for the batch from its begin', async (t) => {
  const { span, bytes } = batchAt(0);
  const frames = [bytes.subarray(0, 20)];
  const wrong: readonly (readonly [batch: readonly [number, number, number], at: number, frames: Uint8Array[]])[] = [
    [span, 0, frames],
    [span, 40, frames],
    [span, 20, [bytes]],
    [span, 20, []],
    [[0, BATCH_BYTES + 1, 5], 20, frames],
    [[BATCH_BYTES, 2 * BATCH_BYTES, 5], 20, frames],
    [[0, 2 ** 40, 5], 20, frames],
  ];
  for (const [batch, at, next] of wrong) {
    const { client, dialer, lost } = opened(t);
    client.read(JOURNAL, 0, { creditBytes: 1000 });
    const id = dialer.link.of('read')[0]?.stream ?? 0;
    dialer.link.answer({ t: 'part', stream: id, batch: span, at: 0 }, { frames });
    dialer.link.answer({ t: 'part', stream: id, batch, at }, { frames: next });
    t.deepEqual(lost, ['the stream is not where it was'], `${JSON.stringify(batch)} ${at}`);
    dialer.link.answer({ t: 'opened', store: 'a-store', clock: CLOCK });
    t.is(dialer.link.of('read')[0]?.offset, 0);
  }
  const { client, dialer, lost } = opened(t);
  client.read(JOURNAL, 0, { creditBytes: 1000 });
  dialer.link.answer({ t: 'part', stream: dialer.link.of('read')[0]?.stream ?? 0, batch: span, at: 0 }, { frames });
  deliver(dialer, dialer.link.of('read')[0]?.stream ?? 0, [0]);
  t.deepEqual(lost, ['the stream is not where it was']);
});

test('the end of a stream is told as it is, after what had arrived before it', async (t) => {
  const { client, dialer } = opened(t);
  for (const [end, told] of [
    [
      { reason: 'trimmed', begin: 9, detail: '' },
      { end: 'trimmed', begin: 9 },
    ],
    [{ reason: 'fenced', begin: 0, detail: '', epoch: 2 }, { end: 'fenced' }],
    [
      { reason: 'rejected', begin: 0, detail: 'why' },
      { end: 'rejected', reason: 'why' },
    ],
  ] as const) {
    const stream = client.read(JOURNAL, 0, { creditBytes: 1000, owner: { shard: 0, epoch: 1 } });
    const id = dialer.link.of('read').at(-1)?.stream ?? 0;
    deliver(dialer, id, [0]);
    dialer.link.answer({ t: 'end', stream: id, ...end });
    t.like(await stream.next(), { begin: 0 });
    t.deepEqual(await stream.next(), told);
    t.deepEqual(await stream.next(), told);
  }
});
