/** Peers at a broker's socket that speak no ZMTP, half of it, an old version, or a broken one. */

import { type Socket, createConnection } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { TestProcess, temporaryFolder, within } from '../cli/testing/test-process.ts';
import { Prng } from '../core/prng.ts';
import { connect } from '../journal/testing/connect.ts';
import { testSeed } from '../journal/testing/seed.ts';
import { freePort } from './testing/free-port.ts';

const SIGNATURE = Buffer.from('ff00000000000000017f', 'hex');

/** The greeting of ZMTP 3.1 with this mechanism. */
function greeting(mechanism = 'NULL'): Buffer {
  const bytes = Buffer.alloc(64);
  SIGNATURE.copy(bytes);
  bytes[10] = 3;
  bytes[11] = 1;
  bytes.write(mechanism, 12);
  return bytes;
}

/** A frame with flags: 1 more, 2 long, 4 command. */
function frame(flags: number, body: Buffer): Buffer {
  if (body.length < 256) return Buffer.concat([Buffer.from([flags, body.length]), body]);
  const head = Buffer.alloc(9);
  head[0] = flags | 2;
  head.writeBigUInt64BE(BigInt(body.length), 1);
  return Buffer.concat([head, body]);
}

function command(name: string, body: Buffer = Buffer.alloc(0)): Buffer {
  return frame(4, Buffer.concat([Buffer.from([name.length]), Buffer.from(name), body]));
}

function property(name: string, value: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), length, Buffer.from(value, 'latin1')]);
}

/** Everything that precedes messages. */
function handshake(identity = ''): Buffer {
  const ready = command('READY', Buffer.concat([property('Socket-Type', 'DEALER'), property('Identity', identity)]));
  return Buffer.concat([greeting(), ready]);
}

function everyWay(prng: Prng): Buffer[] {
  const random = (length: number): Buffer => Buffer.from(Array.from({ length }, () => prng.below(256)));
  const huge = Buffer.from('0200000000ffffffff', 'hex');
  const whole = handshake(`peer ${prng.below(1e9)}`);
  return [
    random(1 + prng.below(300)),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    SIGNATURE,
    whole.subarray(0, 1 + prng.below(whole.length - 1)),
    greeting('PLAIN'),
    greeting('CURVE'),
    Buffer.concat([greeting(), random(60)]),
    Buffer.concat([greeting(), command('ERROR', Buffer.from([200, 1, 2]))]),
    Buffer.concat([greeting(), command('READY', property('Socket-Type', 'PUB'))]),
    Buffer.concat([greeting(), command('READY', random(40))]),
    Buffer.concat([handshake('x'.repeat(255)), frame(0, Buffer.from('{}'))]),
    // The same name twice at one time, and again within one connection.
    handshake('same'),
    Buffer.concat([handshake('same'), frame(0, Buffer.alloc(0)), handshake('same')]),
    // Heartbeats: correct, too short, with a long context, and with a time to live of a tenth of a second.
    Buffer.concat([whole, command('PING', Buffer.from([0, 1])), command('PING'), command('PING', random(60))]),
    Buffer.concat([
      whole,
      command('PONG'),
      command('SUBSCRIBE', random(5)),
      command('CANCEL'),
      frame(4, Buffer.from([9])),
    ]),
    // A part of a message that never ends, a part that is too long, and a part of 2^32 bytes.
    Buffer.concat([whole, frame(1, random(10)), frame(1, random(1_000))]),
    Buffer.concat([whole, frame(0, Buffer.alloc(17 * 1024 * 1024))]),
    Buffer.concat([whole, huge]),
    // ZMTP 2.0 and 1.0.
    Buffer.concat([SIGNATURE, Buffer.from([1, 5, 0, 0]), frame(0, Buffer.from('hello'))]),
    Buffer.from([1, 0, 6, 0, 0x68, 0x65, 0x6c, 0x6c, 0x6f]),
  ];
}

type End = 'close' | 'reset' | 'stay';

/** Connects, writes, and then closes or stays. Resolves when the bytes are written or the broker has hung up. */
function write(t: ExecutionContext, target: string | number, bytes: Buffer, end: End): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => resolve();
    const connected = (socket: Socket): void => {
      socket.write(bytes, () => {
        if (end === 'close') socket.end();
        if (end === 'reset') socket.resetAndDestroy();
        done();
      });
    };
    const socket: Socket =
      typeof target === 'string'
        ? createConnection(target, () => connected(socket))
        : createConnection(target, '127.0.0.1', () => connected(socket));
    socket.on('error', done).on('close', done).resume();
    t.teardown(() => socket.destroy());
  });
}

for (const kind of ['ipc', 'tcp'] as const) {
  test.serial(
    `over ${kind}, nothing that a foreign peer says or leaves unsaid ends the broker or delays others`,
    async (t) => {
      const prng = Prng.fromSeed(testSeed(t));
      const folder = temporaryFolder(t);
      const target = kind === 'ipc' ? join(folder, 'socket') : await freePort();
      const endpoint = kind === 'ipc' ? `ipc://${target}` : `tcp://127.0.0.1:${target}`;
      const broker = new TestProcess(t, ['broker', '--data', join(folder, 'data'), '--listen', endpoint]);
      await broker.ready();
      const good = connect(endpoint);
      t.teardown(() => good.close());
      const ends: readonly End[] = kind === 'tcp' ? ['close', 'reset', 'stay'] : ['close', 'stay'];
      for (let round = 0; round < 4; round += 1) {
        for (const bytes of everyWay(prng)) {
          for (const end of ends) await within(write(t, target, bytes, end), () => broker.lastMessage);
          t.is(await within(good.head('sums'), () => broker.lastMessage), 0);
        }
      }
      t.false(broker.isOver, broker.stderr.join('\n'));
    },
  );
}
