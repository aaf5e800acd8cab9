/**
 * Clients of a real broker: a broker that is killed, and a broker whose clients do not read.
 * `client-broker.deep.test.ts` has more kills, and a broker that sees many sessions.
 */

import { join } from 'node:path';
import test from 'ava';
import { TestProcess, temporaryFolder, within } from '../cli/testing/test-process.ts';
import { chunkJournal } from './journals.ts';
import { chunks } from './testing/broker-harness.ts';
import { JOURNAL } from './testing/client-scene.ts';
import { connect } from './testing/connect.ts';
import { checkKilledBroker } from './testing/killed-broker.ts';

test.serial(
  'a broker that is killed and started again: reads go on, appends are resent, calls are answered',
  async (t) => {
    await checkKilledBroker(t, { kills: 1, total: 750 });
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
