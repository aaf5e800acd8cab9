import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { TestProcess, temporaryFolder, within } from '../cli/testing/test-process.ts';
import { systemClock } from '../core/clock.ts';
import { Prng } from '../core/prng.ts';
import { ManualClock } from '../core/testing/manual-clock.ts';
import { crc32c } from '../hash/crc32c.ts';
import { decodeBatch } from '../message/batch.ts';
import { Appender } from './appender.ts';
import { JournalClient } from './client.ts';
import { type AppendOutcome, chunkJournal } from './journals.ts';
import { PRODUCER, chunks } from './testing/broker-harness.ts';
import { connect } from './testing/connect.ts';
import { FakeDialer } from './testing/fake-dialer.ts';
import { testSeed } from './testing/seed.ts';

const JOURNAL = chunkJournal(0);
const CLOCK = 7;

type Scene = { client: JournalClient; dialer: FakeDialer; clock: ManualClock; lost: string[] };

function begin(t: ExecutionContext): Scene {
  const dialer = new FakeDialer();
  const clock = new ManualClock();
  const lost: string[] = [];
  let sessions = 0;
  const newSession = (): string => {
    sessions += 1;
    return `session-${sessions}`;
  };
  const client = new JournalClient({
    dialer,
    clock,
    name: 'c',
    address: 'here',
    clockHash: CLOCK,
    newSession,
    onSessionLost: (why) => lost.push(why),
  });
  t.teardown(() => client.close());
  return { client, dialer, clock, lost };
}

function opened(t: ExecutionContext): Scene {
  const scene = begin(t);
  scene.dialer.link.answer({ t: 'opened', store: 'a-store', clock: CLOCK });
  return scene;
}

/** Answers the last ping. */
function pong({ link }: FakeDialer): void {
  link.answer({ t: 'pong', n: link.of('ping').at(-1)?.n ?? 0 });
}

/** What the promise has resolved to by now. */
async function settledValue<T>(promise: Promise<T>): Promise<T | 'waits'> {
  await new Promise(setImmediate);
  return Promise.race([promise, Promise.resolve('waits' as const)]);
}

const COMMITTED: AppendOutcome = { outcome: 'committed', begin: 0, end: 73, stampNs: 1 };

test('nothing but the opening is sent before the session is open, then everything in its order', (t) => {
  const { client, dialer } = begin(t);
  void client.append(JOURNAL, chunks(0, 1));
  void client.append(JOURNAL, chunks(1, 1));
  void client.head(JOURNAL).catch(() => {});
  client.read(JOURNAL, 0, { creditBytes: 100 });
  t.deepEqual(
    dialer.link.received.map(({ message }) => message.t),
    ['open'],
  );
  dialer.link.answer({ t: 'opened', store: 'a-store', clock: CLOCK });
  t.deepEqual(
    dialer.link.received.map(({ message }) => message.t),
    ['open', 'call', 'read', 'append', 'append'],
  );
  const firsts = dialer.link.received.slice(3).map(({ frames }) => {
    const batch = decodeBatch(frames[1] ?? new Uint8Array(), JOURNAL, crc32c);
    return 'fault' in batch ? null : batch.firstIndex;
  });
  t.deepEqual(firsts, [0, 1]);
});

test('a lost session is replaced by one under a new identity: calls are made again, appends become unknown', async (t) => {
  const { client, dialer, lost } = opened(t);
  const head = client.head(JOURNAL);
  const append = client.append(JOURNAL, chunks(0, 1));
  const old = dialer.link;
  old.down();
  t.deepEqual(lost, ['the connection was lost']);
  t.true(old.isClosed);
  t.not(dialer.link.session, old.session);
  t.deepEqual(await append, { outcome: 'unknown' });
  dialer.link.answer({ t: 'opened', store: 'a-store', clock: CLOCK });
  const [call] = dialer.link.of('call');
  t.deepEqual(call?.call, { op: 'head', journal: JOURNAL });
  dialer.link.answer({ t: 'reply', id: call?.id ?? 0, result: { head: 7 } });
  t.is(await head, 7);
  t.deepEqual(dialer.link.of('append'), []);
});

test('answers of an old session are dropped, and one of another incarnation opens a new session', async (t) => {
  const { client, dialer, lost } = opened(t);
  const append = client.append(JOURNAL, chunks(0, 1));
  const [{ id } = { id: 0 }] = dialer.link.of('append');
  dialer.link.answer({ t: 'acks', acks: [{ id, outcome: COMMITTED }] }, { session: 'session-0' });
  t.is(await settledValue(append), 'waits');
  dialer.link.answer({ t: 'acks', acks: [{ id, outcome: COMMITTED }] }, { incarnation: 'two' });
  t.deepEqual(await append, { outcome: 'unknown' });
  t.deepEqual(lost, ['the broker was restarted']);
  t.is(dialer.links.length, 2);
});

test('a broker that does not know the session gets a new one', (t) => {
  const { dialer, lost } = opened(t);
  dialer.link.answer({ t: 'reopen' });
  t.deepEqual(lost, ['the broker does not know the session']);
  t.deepEqual(dialer.link.of('open').length, 1);
});

test('what is no message of the protocol is dropped', async (t) => {
  const { client, dialer, lost } = opened(t);
  const head = client.head(JOURNAL);
  const [call] = dialer.link.of('call');
  for (const odd of [{ t: 'reply', id: -1, result: 1 }, { t: 'nonsense' }, { t: 'acks' }, { t: 'end', stream: 'x' }]) {
    dialer.link.answer(odd as never);
  }
  t.is(await settledValue(head), 'waits');
  t.deepEqual(lost, []);
  dialer.link.answer({ t: 'reply', id: call?.id ?? 0, result: { head: 1 } });
  t.is(await head, 1);
});

test('an idle client pings with its credits; a silent broker is left, one that answers is kept', async (t) => {
  const { client, dialer, clock, lost } = opened(t);
  client.read(JOURNAL, 50, { creditBytes: 100 });
  for (let ping = 1; ping <= 20; ping += 1) {
    await clock.advance(200);
    t.is(dialer.link.of('ping').length, ping);
    pong(dialer);
  }
  t.deepEqual(lost, []);
  const stream = dialer.link.of('read')[0]?.stream;
  t.deepEqual(dialer.link.of('ping').at(-1)?.credits, [{ stream, taken: 50, through: 150 }]);
  await clock.advance(2_600);
  t.deepEqual(lost, ['the broker does not answer']);
});

test('a request that has arrived and has no answer for its deadline opens a new session, even if the broker pongs', async (t) => {
  for (const ask of [
    (client: JournalClient): void => void client.append(JOURNAL, chunks(0, 1)),
    (client: JournalClient): void => void client.head(JOURNAL).catch(() => {}),
  ]) {
    const { client, dialer, clock, lost } = opened(t);
    ask(client);
    for (let second = 0; second < 9; second += 1) {
      await clock.advance(1_000);
      pong(dialer);
    }
    t.deepEqual(lost, []);
    await clock.advance(1_000);
    pong(dialer);
    await clock.advance(1_200);
    t.deepEqual(lost, ['a request was not answered in time']);
  }
});

test('a refused call is an error with the reason; a refused session fails every call', async (t) => {
  const { client, dialer } = opened(t);
  const call = client.head('nowhere');
  dialer.link.answer({ t: 'refused', id: dialer.link.of('call')[0]?.id ?? 0, reason: 'there is no journal nowhere' });
  await t.throwsAsync(call, { code: 'ERR_REFUSED', message: /there is no journal nowhere/ });
  const other = begin(t);
  const calls = [other.client.head(JOURNAL), other.client.list()];
  other.dialer.link.answer({ t: 'refused', id: null, reason: 'protocol version 1, this broker speaks 2' });
  for (const each of calls) await t.throwsAsync(each, { code: 'ERR_REFUSED', message: /this broker speaks 2/ });
});

test('a session that the broker cannot open now is opened later, less and less often, and nothing that waits fails', async (t) => {
  const { client, dialer, clock, lost } = begin(t);
  const head = client.head(JOURNAL);
  const append = client.append(JOURNAL, chunks(0, 1));
  const stream = client.read(JOURNAL, 0, { creditBytes: 100 });
  const waits: number[] = [];
  for (let refusals = 1; refusals <= 8; refusals += 1) {
    const before = clock.nowNs();
    const { link } = dialer;
    link.answer({ t: 'busy', reason: 'too many sessions' });
    t.true(link.isClosed);
    link.answer({ t: 'opened', store: 'a-store', clock: CLOCK });
    await clock.until(() => dialer.links.length > refusals);
    waits.push((clock.nowNs() - before) / 1e6);
  }
  t.deepEqual(waits, [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
  t.is(lost.length, 8);
  t.deepEqual(new Set(dialer.links.map(({ session }) => session)).size, 9);
  dialer.link.answer({ t: 'opened', store: 'a-store', clock: CLOCK });
  t.deepEqual(
    dialer.link.received.map(({ message }) => message.t),
    ['open', 'call', 'read', 'append'],
  );
  dialer.link.answer({ t: 'reply', id: dialer.link.of('call')[0]?.id ?? 0, result: { head: 3 } });
  dialer.link.answer({ t: 'acks', acks: [{ id: dialer.link.of('append')[0]?.id ?? 0, outcome: COMMITTED }] });
  t.is(await head, 3);
  t.deepEqual(await append, COMMITTED);
  t.is(await settledValue(stream.next()), 'waits');
  // The next shortage begins with a short wait again.
  dialer.link.down();
  dialer.link.answer({ t: 'busy', reason: 'too many sessions' });
  await clock.advance(50);
  t.is(dialer.links.length, 11);
});

test('a client that is closed while it waits for a session opens none', async (t) => {
  const { client, dialer, clock } = begin(t);
  dialer.link.answer({ t: 'busy', reason: 'too many sessions' });
  client.close();
  await clock.advance(10_000);
  t.is(dialer.links.length, 1);
});

test('a session that is refused for good ends appends and streams too', async (t) => {
  const { client, dialer } = begin(t);
  const append = client.append(JOURNAL, chunks(0, 1));
  const stream = client.read(JOURNAL, 0, { creditBytes: 100 });
  const reason = 'protocol version 1, this broker speaks 2';
  dialer.link.answer({ t: 'refused', id: null, reason });
  t.deepEqual(await append, { outcome: 'rejected', reason });
  t.deepEqual(await stream.next(), { end: 'rejected', reason });
});

// --- a slow link ---

/** Ends the session in silence, and opens the next one. */
async function silence({ dialer, clock, lost }: Scene): Promise<void> {
  const { length } = lost;
  await clock.until(() => lost.length > length);
  dialer.link.answer({ t: 'opened', store: 'a-store', clock: CLOCK });
}

test('after silence a batch is sent in parts, no more at a time than the link has room for', async (t) => {
  const scene = opened(t);
  const { client, dialer } = scene;
  const batch = chunks(0, 1, { dataBytes: 200_000 });
  void client.append(JOURNAL, batch);
  t.is(dialer.link.received.at(-1)?.frames[1]?.length, batch.length);
  await silence(scene);
  void client.append(JOURNAL, batch);
  const partBytes = dialer.link.of('ping')[0]?.partBytes ?? 0;
  t.true(partBytes > 0 && partBytes < batch.length / 15);
  const sent = (): Uint8Array[] =>
    dialer.link.received.flatMap(({ message, frames }) => (message.t === 'append' && frames[1] ? [frames[1]] : []));
  t.is(sent().length, 4);
  // Each pong makes room for the next ones; of the last ping all have arrived.
  for (let pings = 0; Buffer.concat(sent()).length < batch.length; pings += 1) {
    t.true(pings < 100);
    pong(dialer);
  }
  t.true(batch.equals(Buffer.concat(sent())));
  t.true(
    sent()
      .slice(0, 4)
      .every(({ length }) => length === partBytes),
  );
  t.deepEqual(
    dialer.link.of('append').map(({ part }) => part?.at),
    sent().map((_, at) => Buffer.concat(sent().slice(0, at)).length),
  );
});

test('a client that was stopped itself does not take the silence for a slow link', async (t) => {
  const { client, dialer, clock, lost } = opened(t);
  await clock.advance(200);
  void client.append(JOURNAL, chunks(0, 1, { dataBytes: 200_000 }));
  clock.jump(12_000);
  await clock.advance(200);
  t.deepEqual(lost, ['the broker does not answer']);
  dialer.link.answer({ t: 'opened', store: 'a-store', clock: CLOCK });
  t.deepEqual(dialer.link.of('ping'), []);
  void client.append(JOURNAL, chunks(0, 1, { dataBytes: 200_000 }));
  t.deepEqual(
    dialer.link.received.map(({ message }) => message.t),
    ['open', 'append'],
  );
});

test('calls and pings do not wait behind appends that have no room', async (t) => {
  const scene = opened(t);
  const { client, dialer } = scene;
  const batch = chunks(0, 1, { dataBytes: 200_000 });
  void client.append(JOURNAL, batch);
  await silence(scene);
  void client.append(JOURNAL, batch);
  void client.head(JOURNAL).catch(() => {});
  t.is(dialer.link.received.at(-1)?.message.t, 'call');
});

test('a request that has not arrived yet is not overdue, however long the link takes', async (t) => {
  const { client, dialer, clock, lost } = opened(t);
  void client.append(JOURNAL, chunks(0, 1));
  for (let second = 0; second < 60; second += 1) {
    await clock.advance(1_000);
    // The answer to something that was sent before.
    dialer.link.answer({ t: 'acks', acks: [] });
  }
  t.deepEqual(lost, []);
});

// --- streams ---

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

// --- a real broker that is killed ---

test.serial(
  'a broker that is killed and started again: reads go on, appends are resent, calls are answered',
  async (t) => {
    const prng = Prng.fromSeed(testSeed(t));
    const folder = temporaryFolder(t);
    const endpoint = `ipc://${join(folder, 'socket')}`;
    const argv = ['broker', '--data', join(folder, 'data'), '--listen', endpoint, '--partitions', '2'];
    const startBroker = async (): Promise<TestProcess> => {
      const broker = new TestProcess(t, argv);
      await broker.ready();
      return broker;
    };
    let broker = await startBroker();
    const client = connect(endpoint);
    t.teardown(() => client.close());
    const total = 3_000;
    const failed: unknown[] = [];
    const progress = { acknowledged: 0, wake: (): void => {} };
    const appender = new Appender({
      journals: client,
      clock: systemClock,
      journal: JOURNAL,
      producer: PRODUCER,
      acknowledged: 0,
      windowBatches: 16,
      events: {
        onAcknowledged: (through) => {
          progress.acknowledged = through;
          progress.wake();
        },
        onFenced: () => failed.push('fenced'),
        onEnded: () => failed.push('ended'),
        onError: (error) => failed.push(error),
      },
    });
    for (let index = 0; index < total; index += 3) appender.push({ first: index, count: 3, bytes: chunks(index, 3) });
    const reading = (async () => {
      const stream = client.read(JOURNAL, 0, { creditBytes: 4_000 });
      let offset = 0;
      for (let next = 0; next < total; ) {
        const stored = await within(stream.next(), () => `the batch at ${offset}`);
        if (stored === null || !('bytes' in stored)) throw new Error(JSON.stringify(stored));
        const batch = decodeBatch(stored.bytes, JOURNAL, crc32c);
        if ('fault' in batch || batch.firstIndex !== next || stored.begin !== offset) throw new Error(`not ${next}`);
        next += batch.count;
        offset = stored.end;
      }
    })();
    for (let kill = 0; kill < 4; kill += 1) {
      const goal = Math.min(total - 1, progress.acknowledged + prng.between(1, 500));
      while (progress.acknowledged < goal)
        await within(new Promise<void>((resolve) => (progress.wake = resolve)), () => `${goal}`);
      await broker.kill();
      const head = client.head(JOURNAL);
      broker = await startBroker();
      t.true((await within(head, () => 'the head')) > 0);
    }
    await reading;
    const expected = await client.expected(JOURNAL, PRODUCER);
    t.like(expected, { outcome: 'expected', n: total });
    t.deepEqual(failed, []);
  },
);

test.serial(
  'sessions whose clients have closed them are forgotten at once, so that any number may follow each other',
  async (t) => {
    const folder = temporaryFolder(t);
    const endpoint = `ipc://${join(folder, 'socket')}`;
    const broker = new TestProcess(t, ['broker', '--data', join(folder, 'data'), '--listen', endpoint]);
    await broker.ready();
    const lost: string[] = [];
    const short = async (): Promise<number> => {
      const client = connect(endpoint, (reason) => lost.push(reason));
      const head = await within(client.head('sums'), () => broker.lastMessage);
      client.close();
      return head;
    };
    for (let round = 0; round < 280; round += 1)
      t.deepEqual(await Promise.all([short(), short(), short(), short()]), [0, 0, 0, 0]);
    t.deepEqual(lost, []);
  },
);

test.serial('a client that reads nothing, and one that is stopped, do not delay another', async (t) => {
  const folder = temporaryFolder(t);
  const endpoint = `ipc://${join(folder, 'socket')}`;
  const broker = new TestProcess(t, [
    'broker',
    '--data',
    join(folder, 'data'),
    '--listen',
    endpoint,
    '--partitions',
    '2',
  ]);
  await broker.ready();
  const summer = new TestProcess(t, [
    'summer',
    '--data',
    join(folder, 'summer'),
    '--connect',
    endpoint,
    '--partitions',
    '1',
  ]);
  await summer.ready();
  const idle = connect(endpoint);
  t.teardown(() => idle.close());
  // It has credit for everything, and takes nothing.
  for (let stream = 0; stream < 4; stream += 1) idle.read(JOURNAL, 0, { creditBytes: 1024 ** 3 });
  await summer.signal('SIGSTOP');
  const client = connect(endpoint);
  t.teardown(() => client.close());
  const stream = client.read(JOURNAL, 0, { creditBytes: 1024 * 1024 });
  const other = chunkJournal(1);
  for (let index = 0; index < 200; index += 1) {
    const [outcome] = await Promise.all([
      within(client.append(JOURNAL, chunks(index, 1, { dataBytes: 50_000 })), () => broker.lastMessage),
      within(client.append(other, chunks(index, 1, { dataBytes: 50_000, journal: other })), () => broker.lastMessage),
    ]);
    t.is(outcome.outcome, 'committed');
    t.like(await within(stream.next(), () => `batch ${index}`), { begin: index * 50_072 });
  }
  t.false(broker.isOver);
});
