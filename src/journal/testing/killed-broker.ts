/** A broker that is killed while a client appends and reads. */

import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { TestProcess, temporaryFolder, within } from '../../cli/testing/test-process.ts';
import { systemClock } from '../../core/clock.ts';
import { Prng } from '../../core/prng.ts';
import { crc32c } from '../../hash/crc32c.ts';
import { decodeBatch } from '../../message/batch.ts';
import { Appender } from '../appender.ts';
import { PRODUCER, chunks } from './broker-harness.ts';
import { JOURNAL } from './client-scene.ts';
import { connect } from './connect.ts';
import { testSeed } from './seed.ts';

/** Kills it so often while `total` chunks are appended. */
export async function checkKilledBroker(
  t: ExecutionContext,
  { kills, total }: { readonly kills: number; readonly total: number },
): Promise<void> {
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
  for (let kill = 0; kill < kills; kill += 1) {
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
}
