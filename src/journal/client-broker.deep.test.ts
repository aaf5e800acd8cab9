/** Clients of a real broker: one that is killed again and again, and one that sees many sessions. */

import { join } from 'node:path';
import test from 'ava';
import { TestProcess, temporaryFolder, within } from '../cli/testing/test-process.ts';
import { connect } from './testing/connect.ts';
import { checkKilledBroker } from './testing/killed-broker.ts';

test.serial(
  'a broker that is killed and started again: reads go on, appends are resent, calls are answered',
  async (t) => {
    await checkKilledBroker(t, { kills: 4, total: 3_000 });
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
