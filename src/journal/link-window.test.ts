import test from 'ava';
import fc from 'fast-check';
import { LINK_BYTES_MAX, LINK_BYTES_MIN, LinkWindow } from './link-window.ts';

const MS = 1e6;

/** A window that has shrunk as far as possible. */
function smallest(): LinkWindow {
  const window = new LinkWindow();
  while (window.bytes > LINK_BYTES_MIN) window.lost(LINK_BYTES_MIN);
  window.begin();
  return window;
}

test('a window is full until a pong confirms what was sent before its ping', (t) => {
  const window = new LinkWindow();
  window.sent(LINK_BYTES_MAX / 2);
  t.true(window.wantsPing);
  const ping = window.nextPing;
  t.is(window.ping(0), ping);
  t.false(window.wantsPing);
  window.sent(LINK_BYTES_MAX / 2);
  t.false(window.hasRoom);
  window.pong(ping + 7, 1);
  t.false(window.hasRoom);
  window.pong(ping, 1);
  t.true(window.hasRoom);
  window.sent(LINK_BYTES_MAX / 2);
  t.false(window.hasRoom);
  window.begin();
  t.true(window.hasRoom);
});

test('silence with nothing on its way says nothing of the link', (t) => {
  const window = new LinkWindow();
  window.lost(0);
  t.is(window.bytes, LINK_BYTES_MAX);
  window.sent(100_000);
  window.pong(window.ping(0), 1);
  window.lost(0);
  t.is(window.bytes, LINK_BYTES_MAX);
  window.sent(100_000);
  window.lost(0);
  t.is(window.bytes, 25_000);
  window.lost(LINK_BYTES_MAX);
  t.is(window.bytes, LINK_BYTES_MIN);
});

test('a window grows when half of it has passed and a ping is answered quickly, up to its bound', (t) => {
  const slow = smallest();
  slow.sent(LINK_BYTES_MIN);
  slow.pong(slow.ping(0), 900 * MS);
  t.is(slow.bytes, LINK_BYTES_MIN);
  const idle = smallest();
  idle.received(LINK_BYTES_MIN / 4);
  idle.pong(idle.ping(0), 1);
  t.is(idle.bytes, LINK_BYTES_MIN);
  for (const pass of [
    (window: LinkWindow): void => window.sent(window.bytes / 2),
    (window: LinkWindow): void => window.received(window.bytes / 2),
  ]) {
    const window = smallest();
    let grown = 0;
    for (; window.bytes < LINK_BYTES_MAX; grown += 1) {
      pass(window);
      window.pong(window.ping(0), 400 * MS);
    }
    t.is(grown, Math.log2(LINK_BYTES_MAX / LINK_BYTES_MIN));
  }
});

test('whatever happens, the window is within its bounds, and no more is on its way than it and one part', (t) => {
  const step = fc.oneof(
    fc.constant('send' as const),
    fc.constant('ping' as const),
    fc.constant('pong' as const),
    fc.constant('lost' as const),
    fc.nat(LINK_BYTES_MAX),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const window = new LinkWindow();
      const pings: { n: number; sent: number }[] = [];
      let sent = 0;
      let confirmed = 0;
      for (const each of steps) {
        if (each === 'send' && window.hasRoom) {
          t.true(sent - confirmed < window.bytes);
          window.sent(window.partBytes);
          sent += window.partBytes;
        }
        if (each === 'ping') pings.push({ n: window.ping(0), sent });
        if (each === 'pong') {
          const ping = pings.shift();
          if (ping !== undefined) {
            window.pong(ping.n, 1);
            confirmed = ping.sent;
          }
        }
        if (each === 'lost') {
          window.lost(1);
          window.begin();
          pings.length = 0;
          sent = 0;
          confirmed = 0;
        }
        if (typeof each === 'number') window.received(each);
        t.true(window.bytes >= LINK_BYTES_MIN && window.bytes <= LINK_BYTES_MAX);
      }
    }),
  );
});
