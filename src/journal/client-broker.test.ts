/**
 * Clients of a real broker: a broker that is killed, a broker that sees many sessions, and a broker whose clients do
 * not read.
 */

import { join } from 'node:path';
import test from 'ava';
import { TestProcess, temporaryFolder, within } from '../cli/testing/test-process.ts';
import { systemClock } from '../core/clock.ts';
import { Prng } from '../core/prng.ts';
import { crc32c } from '../hash/crc32c.ts';
import { decodeBatch } from '../message/batch.ts';
import { Appender } from './appender.ts';
import { chunkJournal } from './journals.ts';
import { PRODUCER, chunks } from './testing/broker-harness.ts';
import { connect } from './testing/connect.ts';
import { testSeed } from './testing/seed.ts';
import { JOURNAL } from './testing/client-scene.ts';

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
  // The client has credit for everything, and takes nothing.
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
