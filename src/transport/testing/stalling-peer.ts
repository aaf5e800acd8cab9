/**
 * One end of a link as a process whose event loop stops on request, so that tests see what libzmq does meanwhile.
 *
 *     node stalling-peer.js server|client|foreign ENDPOINT RELEASE STALL_MS
 *
 * It says `stalled`, stops until the file RELEASE exists and for STALL_MS after that, and says `resumed`.
 *
 * - `server` answers `hello`, answers `burst N` by N messages and says `sent`, and stalls at `stall`.
 * - `client` asks for a burst and stalls at its first message; it says `down` or `all` and ends.
 * - `foreign` is a DEALER with heartbeats: it sends `stall` and then messages until it is killed; it says `flooding`.
 */

import { existsSync, writeSync } from 'node:fs';
import { Dealer } from 'zeromq';
import { parseEndpoint } from '../endpoint.ts';
import type { ServerLink } from '../transport.ts';
import { ZeromqDialer, listenZeromq } from '../zeromq-link.ts';

const BURST = 2_000;
const FLOOD_BYTES = 1_024;
const POLL_MS = 10;

const [, , role = '', address = '', release = '', stallMs = ''] = process.argv;
const endpoint = parseEndpoint(address);

function say(what: string): void {
  writeSync(1, `${what}\n`);
}

function stop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function stall(): void {
  say('stalled');
  while (!existsSync(release)) stop(POLL_MS);
  stop(Number(stallMs));
  say('resumed');
}

async function serve(): Promise<void> {
  let link: ServerLink | null = null;
  const burst = (session: string, left: number): void => {
    if (left === 0) return say('sent');
    link?.send(session, [Buffer.from(`message ${left}`)]);
    // One message a turn: the transport packs the messages of one turn to one peer into one.
    setImmediate(() => burst(session, left - 1));
  };
  link = await listenZeromq(endpoint, {
    onMessage: (session, [frame]) => {
      const [what, count] = Buffer.from(frame ?? [])
        .toString('latin1', 0, 20)
        .split(' ');
      if (what === 'hello') link?.send(session, [Buffer.from('hello')]);
      if (what === 'burst') burst(session, Number(count));
      if (what === 'stall') stall();
    },
    onUnreachable: () => {},
    onFatal: (error) => say(`fatal ${String(error)}`),
  });
  say('serving');
}

function end(what: string): void {
  say(what);
  process.exit(0);
}

function connect(): void {
  let received = 0;
  const link = new ZeromqDialer(endpoint).dial(`client-${process.pid}`, {
    onMessage: () => {
      received += 1;
      if (received === 1) stall();
      if (received === BURST) end('all');
    },
    onDown: () => end('down'),
  });
  link.send([Buffer.from(`burst ${BURST}`)]);
}

async function flood(): Promise<void> {
  const dealer = new Dealer({ linger: 0, heartbeatInterval: 20, heartbeatTimeToLive: 10_000 });
  dealer.connect(address);
  await dealer.send('stall');
  for (let sent = 0; ; sent += 1) {
    await dealer.send(Buffer.alloc(FLOOD_BYTES));
    if (sent === 500) say('flooding');
  }
}

if (role === 'server') await serve();
else if (role === 'client') connect();
else await flood();
