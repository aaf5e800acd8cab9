import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { TestProcess, temporaryFolder } from '../cli/testing/test-process.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { UsageError } from '../core/errors.ts';
import { parseEndpoint } from './endpoint.ts';
import { freePort } from './testing/free-port.ts';
import { Inbox, listen, texts } from './testing/listening.ts';
import type { Frames } from './transport.ts';
import { ZeromqDialer } from './zeromq-link.ts';

for (const kind of ['ipc', 'tcp'] as const) {
  test(`over ${kind}, messages keep their frames and their order in both directions, by session`, async (t) => {
    const address =
      kind === 'ipc' ? `ipc://${join(temporaryFolder(t), 'socket')}` : `tcp://127.0.0.1:${await freePort()}`;
    const server = await listen(t, address);
    const dialer = new ZeromqDialer(parseEndpoint(address));
    const inboxes = ['one', 'two'].map((session) => {
      const inbox = new Inbox<Frames>();
      const link = dialer.dial(session, { onMessage: (frames) => inbox.push(frames), onDown: (why) => t.fail(why) });
      t.teardown(() => link.close());
      for (let index = 0; index < 200; index += 1)
        link.send([Buffer.from(`${session} ${index}`), Buffer.alloc(index, 1)]);
      return inbox;
    });
    await server.received.until(400);
    for (const [at, session] of ['one', 'two'].entries()) {
      const mine = server.received.all.filter((message) => message.session === session);
      t.deepEqual(
        mine.map(({ frames }) => texts(frames)[0]),
        Array.from({ length: 200 }, (_, index) => `${session} ${index}`),
      );
      t.true(mine.every(({ frames }, index) => frames.length === 2 && frames[1]?.length === index));
      for (let index = 0; index < 100; index += 1) server.link.send(session, [Buffer.from(`to ${session} ${index}`)]);
      await inboxes[at]?.until(100);
      t.deepEqual(
        inboxes[at]?.all.map((frames) => texts(frames)[0]),
        Array.from({ length: 100 }, (_, index) => `to ${session} ${index}`),
      );
    }
    t.deepEqual(server.fatal, []);
  });
}

test('a session that nobody has is unreachable, and the others are served', async (t) => {
  const address = `ipc://${join(temporaryFolder(t), 'socket')}`;
  const server = await listen(t, address);
  const inbox = new Inbox<Frames>();
  const link = new ZeromqDialer(parseEndpoint(address)).dial('here', {
    onMessage: (frames) => inbox.push(frames),
    onDown: (why) => t.fail(why),
  });
  t.teardown(() => link.close());
  link.send([Buffer.from('hello')]);
  await server.received.until(1);
  server.link.send('nobody', [Buffer.from('lost')]);
  server.link.send('here', [Buffer.from('found')]);
  await inbox.until(1);
  await server.unreachable.until(1);
  t.deepEqual(server.unreachable.all, ['nobody']);
  t.deepEqual(server.fatal, []);
});

test('a link whose server goes is down once, and never after it was closed', async (t) => {
  const address = `ipc://${join(temporaryFolder(t), 'socket')}`;
  const server = await listen(t, address);
  const dialer = new ZeromqDialer(parseEndpoint(address));
  const down = new Inbox<string>();
  const closed = new Inbox<string>();
  const link = dialer.dial('stays', { onMessage: () => {}, onDown: (why) => down.push(why) });
  const other = dialer.dial('closes', { onMessage: () => {}, onDown: (why) => closed.push(why) });
  link.send([Buffer.from('a')]);
  other.send([Buffer.from('b')]);
  await server.received.until(2);
  other.close();
  await server.link.close();
  await down.until(1);
  link.send([Buffer.from('ignored')]);
  t.deepEqual(down.all, ['the connection was lost']);
  t.deepEqual(closed.all, []);
});

test.serial(
  'an address in use is a usage error that names it, and one whose owner was killed can be taken',
  async (t) => {
    const folder = temporaryFolder(t);
    for (const address of [`ipc://${join(folder, 'socket')}`, `tcp://127.0.0.1:${await freePort()}`]) {
      await listen(t, address);
      const error = await t.throwsAsync(listen(t, address), { instanceOf: UsageError });
      t.true(error?.message.includes(address), error?.message);
    }
    // A killed process leaves its socket and its lock file behind. They keep nobody out.
    const address = `ipc://${join(folder, 'killed')}`;
    const broker = new TestProcess(t, ['broker', '--data', join(folder, 'data'), '--listen', address]);
    await broker.ready();
    await t.throwsAsync(listen(t, address), { instanceOf: UsageError, message: /in use by another broker/ });
    await broker.kill();
    await (await listen(t, address)).link.close();
  },
);

test('where connections are accepted and ended at once, each one is dialled later than the one before', async (t) => {
  const port = await freePort();
  const refusing = createServer((socket) => socket.resetAndDestroy()).listen(port, '127.0.0.1');
  await once(refusing, 'listening');
  t.teardown(() => refusing.close());
  let nowNs = 0;
  const delays: number[] = [];
  const clock: Clock = {
    ...systemClock,
    nowNs: () => nowNs,
    after: (delayMs, call) => {
      delays.push(delayMs);
      nowNs += delayMs * 1e6;
      return systemClock.after(0, call);
    },
  };
  const dialer = new ZeromqDialer(parseEndpoint(`tcp://127.0.0.1:${port}`), clock);
  const down = new Inbox<string>();
  const dial = (): void => {
    const link = dialer.dial(`session-${down.all.length}`, {
      onMessage: () => t.fail(),
      onDown: (why) => down.push(why),
    });
    t.teardown(() => link.close());
    link.send([Buffer.from('lost')]);
  };
  for (let count = 1; count <= 7; count += 1) {
    dial();
    await down.until(count);
  }
  t.deepEqual(delays, [20, 40, 80, 160, 200, 200]);
  // After a link that has lasted, the next dial is at once.
  dial();
  nowNs += 1e9;
  await down.until(8);
  delays.length = 0;
  dial();
  await down.until(9);
  t.deepEqual(delays, []);
});

test('what is sent before a link that is dialled later has connected arrives once it has', async (t) => {
  const address = `tcp://127.0.0.1:${await freePort()}`;
  const refusing = createServer((socket) => socket.resetAndDestroy()).listen(parsePort(address), '127.0.0.1');
  await once(refusing, 'listening');
  const dialer = new ZeromqDialer(parseEndpoint(address));
  const down = new Inbox<string>();
  dialer.dial('first', { onMessage: () => {}, onDown: (why) => down.push(why) });
  await down.until(1);
  refusing.close();
  await once(refusing, 'close');
  const server = await listen(t, address);
  const link = dialer.dial('second', { onMessage: () => {}, onDown: (why) => t.fail(why) });
  t.teardown(() => link.close());
  link.send([Buffer.from('one')]);
  link.send([Buffer.from('two')]);
  await server.received.until(2);
  t.deepEqual(
    server.received.all.map(({ session, frames }) => [session, ...texts(frames)]),
    [
      ['second', 'one'],
      ['second', 'two'],
    ],
  );
});

function parsePort(address: string): number {
  return Number(address.split(':').at(-1));
}
