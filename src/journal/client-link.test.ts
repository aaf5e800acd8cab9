/** How a client uses a slow link: parts of batches, and messages that do not wait behind them. */

import test from 'ava';
import { chunks } from './testing/broker-harness.ts';
import { CLOCK, JOURNAL, type Scene, opened, pong } from './testing/client-scene.ts';

/** Ends the session by silence, and opens the next one. */
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
  // Each pong makes room for the next parts. With the last pong all parts have arrived.
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
    // The answer to an earlier message.
    dialer.link.answer({ t: 'acks', acks: [] });
  }
  t.deepEqual(lost, []);
});
