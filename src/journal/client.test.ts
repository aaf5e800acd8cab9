/** A client's sessions: how they are opened, left, refused and replaced, and what becomes of requests. */

import test from 'ava';
import { crc32c } from '../hash/crc32c.ts';
import { decodeBatch } from '../message/batch.ts';
import { JournalClient } from './client.ts';
import { chunks } from './testing/broker-harness.ts';
import { CLOCK, COMMITTED, JOURNAL, begin, opened, pong, settledValue } from './testing/client-scene.ts';

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

test('a new session replaces a lost one: calls are made again, appends become unknown', async (t) => {
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

test('a request without an answer within its deadline opens a new session, even if pings are answered', async (t) => {
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

test('a session that the broker cannot open now is tried less and less often, and nothing waiting fails', async (t) => {
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
