/**
 * Looks at a link from outside, like a client that knows nothing of the relay. It dials the link's endpoint, shakes
 * hands with the broker's libzmq (ZMTP 3.0, 23/ZMTP of rfc.zeromq.org), and has it answer a PING. The relay's own words
 * are not a proof without this.
 *
 * The broker's process takes no part: libzmq answers, even while the broker is stopped or busy. It sees a peer that
 * sends no message.
 */

import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Clock } from '../../../../src/core/clock.ts';
import { parseEndpoint } from '../../../../src/transport/endpoint.ts';
import type { LinkMode } from './link-mode.ts';

export type ProbeOutcome = {
  /**
   * `refused`: there was no connection. `ended`: there was a connection, and it ended. `open`: it was there to the end.
   */
  readonly connection: 'refused' | 'ended' | 'open';
  readonly bytesReceived: number;
  /** A PING went there and its PONG came back, so whole frames pass in both directions. */
  readonly isAnswered: boolean;
  /** Time from the dialling to the answer, or to the end. */
  readonly elapsedNs: number;
};

export type ProbeOptions = {
  readonly clock: Clock;
  /** Added to the bytes to the broker, so that a slow link takes time. */
  readonly paddingBytes: number;
  /** The least time that an answer is waited for; a busy process waits longer. */
  readonly timeoutMs: number;
};

export type ProbeLink = (endpoint: string, options: ProbeOptions) => Promise<ProbeOutcome>;

const TURN_MS = 20;
const GREETING_BYTES = 64;
const COMMAND = 0x04;
const LONG = 0x02;

export const probeLink: ProbeLink = (address, { clock, paddingBytes, timeoutMs }) =>
  new Promise((resolve) => {
    const endpoint = parseEndpoint(address);
    const beginNs = clock.nowNs();
    const context = randomBytes(16);
    const received: Buffer[] = [];
    let bytesReceived = 0;
    let isConnected = false;
    let hasPinged = false;
    const socket = connect(
      endpoint.kind === 'ipc' ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port },
    );
    const finish = (connection: ProbeOutcome['connection'], isAnswered: boolean): void => {
      timer.clear();
      socket.removeAllListeners('close');
      socket.destroy();
      resolve({ connection, bytesReceived, isAnswered, elapsedNs: clock.nowNs() - beginNs });
    };
    // Counted in turns of the event loop, because a busy process sees late timers before it has read its sockets.
    let turnsLeft = Math.ceil(timeoutMs / TURN_MS);
    const turn = (): void => {
      turnsLeft -= 1;
      if (turnsLeft <= 0) finish(isConnected ? 'open' : 'refused', false);
      else timer = clock.after(TURN_MS, turn);
    };
    let timer = clock.after(TURN_MS, turn);
    socket.on('error', () => undefined);
    socket.on('close', () => finish(isConnected ? 'ended' : 'refused', false));
    socket.on('connect', () => {
      isConnected = true;
      socket.write(Buffer.concat([greeting(), ready(paddingBytes)]));
    });
    socket.on('data', (bytes) => {
      received.push(bytes);
      bytesReceived += bytes.length;
      const all = Buffer.concat(received);
      // A PING before the broker's READY would break the handshake.
      if (!hasPinged && hasFrame(all)) {
        hasPinged = true;
        socket.write(ping(context));
      }
      if (all.includes(context)) finish('open', true);
    });
  });

/** Signature, version 3.0, mechanism NULL, client. */
function greeting(): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0]);
  bytes.write('NULL', 12, 'latin1');
  return bytes;
}

function ready(paddingBytes: number): Buffer {
  // A name that no session has, so it tells the broker's process nothing.
  const identity = Buffer.from(`probe-${randomBytes(12).toString('hex')}`);
  const properties = [property('Socket-Type', Buffer.from('DEALER')), property('Identity', identity)];
  if (paddingBytes > 0) properties.push(property('X-Padding', Buffer.alloc(paddingBytes)));
  return command('READY', Buffer.concat(properties));
}

/** With a time-to-live of 0, which means none. */
function ping(context: Buffer): Buffer {
  return command('PING', Buffer.concat([Buffer.alloc(2), context]));
}

function property(name: string, value: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), length, value]);
}

function command(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from([name.length]), Buffer.from(name), data]);
  if (body.length < 256) return Buffer.concat([Buffer.from([COMMAND, body.length]), body]);
  const header = Buffer.alloc(9);
  header[0] = COMMAND | LONG;
  header.writeBigUInt64BE(BigInt(body.length), 1);
  return Buffer.concat([header, body]);
}

/** Whether a whole short frame has come after the greeting; the broker's READY is such a frame. */
function hasFrame(all: Buffer): boolean {
  const size = all[GREETING_BYTES + 1];
  return size !== undefined && all.length >= GREETING_BYTES + 2 + size;
}

// --- what an outcome says of a mode ---

/** A direction counts as silent when nothing has come for so long. */
const SILENCE_MS = 300;
/** The time that a slow link needs for a probe. The probe gets so much more than that. */
const WORK_S = 0.4;
const PATIENCE_MS = 3_000;

/** How a link in this mode is probed, and the least time that a whole probe then takes. */
export function probeOf(mode: LinkMode): {
  readonly paddingBytes: number;
  readonly timeoutMs: number;
  readonly msMin: number;
} {
  switch (mode.mode) {
    case 'refuse':
    case 'drop':
    case 'stall':
      return { paddingBytes: 0, timeoutMs: SILENCE_MS, msMin: 0 };
    case 'reset':
      return { paddingBytes: mode.bytesMax, timeoutMs: PATIENCE_MS, msMin: 0 };
    case 'delay':
      // The greeting of the broker, a PING, and its PONG.
      return slow(0, 3 * mode.delayMs);
    case 'throttle': {
      const paddingBytes = Math.ceil(mode.bytesPerS * WORK_S);
      return slow(paddingBytes, (paddingBytes / mode.bytesPerS) * 1e3);
    }
    case 'slice': {
      const pieces = Math.ceil((WORK_S * 1e3) / mode.pauseMs);
      return slow(pieces * mode.bytesMax, (pieces - 1) * mode.pauseMs);
    }
    case 'pass':
      return { paddingBytes: 0, timeoutMs: PATIENCE_MS, msMin: 0 };
    default:
      return mode satisfies never;
  }
}

/**
 * Pieces have half of their greatest size on average, and jitter may double a delay. So a probe may take several times
 * its least time.
 */
function slow(paddingBytes: number, msMin: number): { paddingBytes: number; timeoutMs: number; msMin: number } {
  return { paddingBytes, timeoutMs: 8 * msMin + PATIENCE_MS, msMin };
}

/**
 * How long a slow link must have been slow in all, over consecutive probes, because a busy machine is slow at times.
 */
const SLOW_MS = 1_000;

/** How many probes in a row must show the mode. */
export function probesOf(mode: LinkMode): number {
  const { msMin } = probeOf(mode);
  return msMin === 0 ? 1 : Math.ceil(SLOW_MS / msMin);
}

/**
 * Whether the probe met what the mode says. `refuted`: a link in this mode can never show this, so the mode does not
 * hold. `unclear`: the probe proved neither.
 */
export function seenBy(mode: LinkMode, outcome: ProbeOutcome): 'shown' | 'refuted' | 'unclear' {
  const { connection, bytesReceived, isAnswered, elapsedNs } = outcome;
  switch (mode.mode) {
    case 'pass':
      return shownIf(isAnswered);
    case 'refuse':
      return bytesReceived > 0 ? 'refuted' : shownIf(connection !== 'open');
    case 'drop':
    case 'stall': {
      if (isAnswered) return 'refuted';
      // The broker greets every connection. The rest of its greeting follows that of its peer.
      const isDeaf = mode.directions.includes('to-client');
      if (isDeaf && bytesReceived > 0) return 'refuted';
      return shownIf(connection !== 'refused' && (isDeaf || bytesReceived > 0));
    }
    case 'reset':
      return isAnswered ? 'refuted' : shownIf(connection === 'ended');
    case 'delay':
    case 'throttle':
    case 'slice':
      if (!isAnswered) return 'unclear';
      return elapsedNs >= probeOf(mode).msMin * 1e6 ? 'shown' : 'refuted';
    default:
      return mode satisfies never;
  }
}

function shownIf(isShown: boolean): 'shown' | 'unclear' {
  return isShown ? 'shown' : 'unclear';
}
