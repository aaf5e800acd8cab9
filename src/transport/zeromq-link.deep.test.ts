/** A client that reads no more, until its queue in the server is full. */

import { join } from 'node:path';
import test from 'ava';
import { TestProcess, temporaryFolder } from '../cli/testing/test-process.ts';
import { parseEndpoint } from './endpoint.ts';
import { Inbox, listen } from './testing/listening.ts';
import type { Frames } from './transport.ts';
import { ZeromqDialer } from './zeromq-link.ts';

test('a stopped client is found by its full queue, and no send to it waits', async (t) => {
  const address = `ipc://${join(temporaryFolder(t), 'socket')}`;
  const server = await listen(t, address);
  const script = `
    import { Dealer } from 'zeromq';
    const dealer = new Dealer({ routingId: 'stopped', linger: 0 });
    dealer.connect(process.argv[1]);
    await dealer.send('hello');
    console.log('sent');
    for await (const frames of dealer);
  `;
  const client = new TestProcess(t, [address], { script: '--input-type=module', before: ['-e', script] });
  await server.received.until(1);
  await client.signal('SIGSTOP');
  const inbox = new Inbox<Frames>();
  const link = new ZeromqDialer(parseEndpoint(address)).dial('runs', {
    onMessage: (frames) => inbox.push(frames),
    onDown: (why) => t.fail(why),
  });
  t.teardown(() => link.close());
  link.send([Buffer.from('hello')]);
  await server.received.until(2);
  let sent = 0;
  while (server.unreachable.all.length === 0) {
    server.link.send('stopped', [Buffer.alloc(10_000)]);
    server.link.send('runs', [Buffer.from('here')]);
    sent += 1;
    await inbox.until(sent);
  }
  t.deepEqual([...new Set(server.unreachable.all)], ['stopped']);
  t.deepEqual(server.fatal, []);
});
