import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../../src/core/clock.ts';
import { HELD_BYTES_MAX } from './lane.ts';
import { CONNECTIONS_MAX, RelayLink } from './link.ts';
import { DIRECTIONS, type LinkMode, PASS } from './link-mode.ts';
import { addresses, dial, type End, eventually, TestBroker } from './testing/ends.ts';

const SEED = 7;
const GREETING = Buffer.alloc(64, 1);

type Opened = { link: RelayLink; broker: TestBroker; client: End; brokerEnd: End; listen: string };

async function openLink(t: ExecutionContext, transport: 'ipc' | 'tcp'): Promise<Omit<Opened, 'client' | 'brokerEnd'>> {
  const { listen, broker: address } = await addresses(t, transport);
  const broker = await TestBroker.listen(t, address);
  const link = new RelayLink({ name: 'chunker-0', listen, broker: address, clock: systemClock });
  await link.open();
  t.teardown(() => link.close());
  return { link, broker, listen };
}

/** A link with one connection through it, over which a byte has passed in each direction. */
async function connected(t: ExecutionContext, transport: 'ipc' | 'tcp'): Promise<Opened> {
  const opened = await openLink(t, transport);
  const { client, brokerEnd } = await another(t, opened);
  return { ...opened, client, brokerEnd };
}

async function another(
  t: ExecutionContext,
  { broker, listen }: Pick<Opened, 'broker' | 'listen'>,
): Promise<{ client: End; brokerEnd: End }> {
  const before = broker.ends.length;
  const client = await dial(t, listen);
  client.socket.write('>');
  await eventually(
    () => broker.ends[before]?.bytesReceived === 1,
    () => 'the first byte at the broker',
  );
  const brokerEnd = broker.ends[before];
  if (brokerEnd === undefined) throw new Error('no connection');
  brokerEnd.socket.write('<');
  await eventually(
    () => client.bytesReceived === 1,
    () => 'the first byte at the client',
  );
  return { client, brokerEnd };
}

for (const transport of ['ipc', 'tcp'] as const) {
  test(`${transport}: a link passes all bytes unchanged in both directions, and counts them`, async (t) => {
    const { link, client, brokerEnd } = await connected(t, transport);
    const there = randomBytes(3_000_000);
    const back = randomBytes(2_000_000);
    client.socket.write(there);
    brokerEnd.socket.write(back);
    await eventually(
      () => brokerEnd.bytesReceived > there.length && client.bytesReceived > back.length,
      () => 'all bytes',
    );
    t.true(brokerEnd.received.equals(Buffer.concat([Buffer.from('>'), there])));
    t.true(client.received.equals(Buffer.concat([Buffer.from('<'), back])));
    t.like(link.counters, {
      connectionsAccepted: 1,
      connectionsMade: 1,
      connectionsReset: 0,
      connectionsOpen: 1,
      'to-broker': { bytesPassed: there.length + 1, bytesDropped: 0, bytesLost: 0, bytesHeld: 0 },
      'to-client': { bytesPassed: back.length + 1, bytesDropped: 0, bytesLost: 0, bytesHeld: 0 },
    });
  });

  test(`${transport}: an end of either side reaches the other one behind what came before`, async (t) => {
    const opened = await connected(t, transport);
    const last = randomBytes(500_000);
    opened.client.socket.end(last);
    await eventually(
      () => opened.brokerEnd.how === 'ended',
      () => 'the end at the broker',
    );
    t.is(opened.brokerEnd.bytesReceived, last.length + 1);
    const second = await another(t, opened);
    second.brokerEnd.socket.end(last);
    await eventually(
      () => second.client.how === 'ended',
      () => 'the end at the client',
    );
    t.is(second.client.bytesReceived, last.length + 1);
    await eventually(
      () => opened.link.counters.connectionsOpen === 0,
      () => 'no connection',
    );
    t.is(opened.link.counters.connectionsReset, 0);
  });

  test(`${transport}: to a client whose broker is down the link is a broker that has not answered yet`, async (t) => {
    const { listen, broker: address } = await addresses(t, transport);
    const link = new RelayLink({ name: 'chunker-0', listen, broker: address, clock: systemClock });
    await link.open();
    t.teardown(() => link.close());
    const client = await dial(t, listen);
    client.socket.write('early');
    await eventually(
      () => link.counters['to-broker'].bytesHeld === 5,
      () => 'the bytes are held',
    );
    t.is(client.how, null);
    const broker = await TestBroker.listen(t, address);
    await eventually(
      () => broker.ends[0]?.bytesReceived === 5,
      () => 'the bytes at the broker',
    );
    t.is(link.counters['to-broker'].bytesHeld, 0);
    // A client that goes away before the broker comes leaves nothing behind.
    await broker.close();
    await eventually(
      () => client.how !== null,
      () => 'the end of the broker',
    );
    const hasty = await dial(t, listen);
    await eventually(
      () => link.counters.connectionsAccepted === 2,
      () => 'the connection',
    );
    hasty.socket.destroy();
    await eventually(
      () => link.counters.connectionsOpen === 0,
      () => 'no connection',
    );
  });

  test(`${transport}: a link that refuses ends its connections and makes none; closed, nobody listens`, async (t) => {
    const opened = await connected(t, transport);
    const { link, client, brokerEnd, listen, broker } = opened;
    await link.set({ mode: 'refuse', how: 'reset' }, SEED);
    await eventually(
      () => client.how !== null && brokerEnd.how !== null,
      () => 'the end of the connection',
    );
    if (transport === 'tcp') t.is(client.how, 'ECONNRESET');
    t.is(link.counters.connectionsReset, 1);
    // Some are reset before they know that they were accepted.
    const turnedAway = await dial(t, listen).catch((error: NodeJS.ErrnoException) => ({ how: error.code ?? null }));
    await eventually(
      () => turnedAway.how !== null,
      () => 'the connection is turned away',
    );
    t.is(link.counters.connectionsRefused, 1);
    t.is(broker.ends.length, 1);
    await link.set({ mode: 'refuse', how: 'closed' }, SEED);
    const error = await t.throwsAsync(() => dial(t, listen));
    t.regex(String((error as NodeJS.ErrnoException).code), /^(?:ECONNREFUSED|ENOENT)$/);
    await link.set(PASS, SEED);
    await another(t, opened);
    t.like(link.counters, { connectionsRefused: 1, connectionsMade: 2 });
  });

  test(`${transport}: what is dropped vanishes in silence, an end as well, and a reset heals it`, async (t) => {
    const opened = await connected(t, transport);
    const { link, client, brokerEnd, broker } = opened;
    await link.set({ mode: 'drop', directions: DIRECTIONS }, SEED);
    client.socket.write(Buffer.alloc(300_000));
    brokerEnd.socket.write(Buffer.alloc(200_000));
    await eventually(
      () => link.counters['to-broker'].bytesDropped === 300_000 && link.counters['to-client'].bytesDropped === 200_000,
      () => JSON.stringify(link.counters),
    );
    // A connection that is made meanwhile goes nowhere, and nobody tells its client.
    const mute = await dial(t, opened.listen);
    mute.socket.write('hello');
    await eventually(
      () => link.counters['to-broker'].bytesDropped === 300_005,
      () => 'the greeting is dropped',
    );
    client.socket.end();
    await once(client.socket, 'finish');
    brokerEnd.socket.write('?');
    await eventually(
      () => link.counters['to-client'].bytesDropped === 200_001,
      () => 'the broker still sends',
    );
    t.deepEqual([client.bytesReceived, brokerEnd.bytesReceived, broker.ends.length], [1, 1, 1]);
    t.deepEqual([brokerEnd.how, mute.how], [null, null]);
    await link.set(PASS, SEED);
    await eventually(
      () => brokerEnd.how !== null && mute.how !== null,
      () => 'the resets',
    );
    t.deepEqual([client.bytesReceived, brokerEnd.bytesReceived], [1, 1]);
    t.is(link.counters.connectionsReset, 2);
    await another(t, opened);
  });

  for (const [dropped, passing] of [
    ['to-broker', 'to-client'],
    ['to-client', 'to-broker'],
  ] as const) {
    test(`${transport}: one way can be dropped, ${dropped}, and heals by a reset`, async (t) => {
      const opened = await connected(t, transport);
      const { link, client, brokerEnd } = opened;
      const [deaf, hearing] = dropped === 'to-broker' ? [brokerEnd, client] : [client, brokerEnd];
      await link.set({ mode: 'drop', directions: [dropped] }, SEED);
      hearing.socket.write(Buffer.alloc(9_000));
      deaf.socket.write(Buffer.alloc(8_000));
      await eventually(
        () => link.counters[dropped].bytesDropped === 9_000,
        () => 'the bytes are dropped',
      );
      await eventually(
        () => hearing.bytesReceived === 8_001,
        () => 'the bytes of the other direction',
      );
      t.is(deaf.bytesReceived, 1);
      t.is(link.counters[passing].bytesDropped, 0);
      await link.set(PASS, SEED);
      await eventually(
        () => client.how !== null && brokerEnd.how !== null,
        () => 'the reset',
      );
      t.is(deaf.bytesReceived, 1);
      await another(t, opened);
    });
  }

  test(`${transport}: a stalled link holds what comes, up to its bound, and lets it pass afterwards`, async (t) => {
    const { link, client, brokerEnd } = await connected(t, transport);
    await link.set({ mode: 'stall', directions: ['to-broker'] }, SEED);
    const sent = randomBytes(3 * HELD_BYTES_MAX);
    client.socket.write(sent);
    await eventually(
      () => link.counters['to-broker'].bytesHeld >= HELD_BYTES_MAX,
      () => 'the bytes are held',
    );
    brokerEnd.socket.write('!');
    await eventually(
      () => client.bytesReceived === 2,
      () => 'the other direction passes',
    );
    // It reads no more than its bound, plus the piece that reached it.
    t.true(link.counters['to-broker'].bytesHeld < HELD_BYTES_MAX + 1024 * 1024);
    t.true(client.socket.writableLength > 0);
    t.is(brokerEnd.bytesReceived, 1);
    await link.set(PASS, SEED);
    await eventually(
      () => brokerEnd.bytesReceived === sent.length + 1,
      () => `${brokerEnd.bytesReceived} B`,
    );
    t.true(brokerEnd.received.subarray(1).equals(sent));
    t.like(link.counters['to-broker'], { bytesHeld: 0, bytesDropped: 0, bytesLost: 0 });
    t.is(link.counters.connectionsReset, 0);
  });

  test(`${transport}: a receiver that does not read stops its sender, and the relay holds little`, async (t) => {
    const { link, client, brokerEnd } = await connected(t, transport);
    brokerEnd.socket.pause();
    const sent = randomBytes(16 * 1024 * 1024);
    client.socket.write(sent);
    let before = -1;
    // Nothing moves any more when two consecutive looks see the same.
    await eventually(
      () => {
        const { bytesPassed, bytesHeld } = link.counters['to-broker'];
        const isStill = before === bytesPassed && bytesHeld > 0 && client.socket.writableLength > 0;
        before = bytesPassed;
        return isStill;
      },
      () => JSON.stringify(link.counters),
    );
    t.true(link.counters['to-broker'].bytesHeld <= HELD_BYTES_MAX);
    brokerEnd.socket.resume();
    await eventually(
      () => brokerEnd.bytesReceived === sent.length + 1,
      () => `${brokerEnd.bytesReceived} B`,
    );
    t.true(brokerEnd.received.subarray(1).equals(sent));
  });

  test(`${transport}: a link that resets cuts each connection in the middle of a frame`, async (t) => {
    const opened = await openLink(t, transport);
    const { link, broker, listen } = opened;
    await link.set({ mode: 'reset', bytesMax: 2_000 }, SEED);
    const frame = Buffer.concat([Buffer.from([0, 98]), Buffer.alloc(98)]);
    const sent = Buffer.concat([GREETING, ...Array.from({ length: 40 }, () => frame)]);
    for (let index = 0; index < 8; index += 1) {
      const client = await dial(t, listen);
      client.socket.write(sent);
      await eventually(
        () => client.how !== null && broker.ends[index]?.how !== null,
        () => `connection ${index} is cut`,
      );
      const passed = broker.ends[index]?.bytesReceived ?? 0;
      t.true(passed <= 2_001, `${passed} B`);
      t.true(passed < 64 || (passed - 64) % 100 !== 0, `${passed} B end a frame`);
    }
    t.like(link.counters, { connectionsReset: 8, connectionsCutInFrame: 8 });
    await link.set(PASS, SEED);
    await another(t, opened);
  });

  for (const mode of [
    { mode: 'delay', delayMs: 30, jitterMs: 60 },
    { mode: 'throttle', bytesPerS: 2_000_000 },
    { mode: 'slice', bytesMax: 8_000, pauseMs: 1 },
  ] as const satisfies readonly LinkMode[]) {
    test(`${transport}: ${mode.mode} keeps order, loses nothing, and lets what waits pass when it heals`, async (t) => {
      const { link, client, brokerEnd } = await connected(t, transport);
      await link.set(mode, SEED);
      const first = randomBytes(100_000);
      const second = randomBytes(6_000_000);
      client.socket.write(first);
      await eventually(
        () => brokerEnd.bytesReceived === first.length + 1,
        () => 'what was slowed',
      );
      client.socket.write(second);
      await eventually(
        () => link.counters['to-broker'].bytesHeld > 0,
        () => 'some bytes are held',
      );
      t.true(link.counters['to-broker'].bytesDelayed >= first.length);
      await link.set(PASS, SEED);
      await eventually(
        () => brokerEnd.bytesReceived === first.length + second.length + 1,
        () => 'the rest',
      );
      t.true(brokerEnd.received.subarray(1).equals(Buffer.concat([first, second])));
      t.like(link.counters, { connectionsReset: 0, 'to-broker': { bytesHeld: 0, bytesDropped: 0, bytesLost: 0 } });
    });
  }

  test(`${transport}: slices are many small writes`, async (t) => {
    const { link, client, brokerEnd } = await connected(t, transport);
    await link.set({ mode: 'slice', bytesMax: 10, pauseMs: 1 }, SEED);
    client.socket.write(Buffer.alloc(500));
    await eventually(
      () => brokerEnd.bytesReceived === 501,
      () => 'all slices',
    );
    // At least 50 pieces of 10 B; a reader may find two of them at once.
    t.true(brokerEnd.pieces.length > 25, brokerEnd.pieces.join(' '));
  });
}

test('of connections whose ends nobody sees only so many are kept', async (t) => {
  const opened = await openLink(t, 'tcp');
  const { link, listen } = opened;
  await link.set({ mode: 'drop', directions: ['to-broker'] }, SEED);
  for (let index = 0; index < CONNECTIONS_MAX + 5; index += 1) {
    const client = await dial(t, listen);
    await eventually(
      () => link.counters.connectionsMade === index + 1,
      () => 'the connection',
    );
    client.socket.destroy();
  }
  t.like(link.counters, { connectionsOpen: CONNECTIONS_MAX, connectionsReset: 5 });
  await link.set(PASS, SEED);
  t.is(link.counters.connectionsOpen, 0);
  await another(t, opened);
});
