/** Messages of clients, and clients that send anything else to the process of a broker. */

import { createConnection } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { Dealer } from 'zeromq';
import { TestProcess, temporaryFolder, within } from '../../cli/testing/test-process.ts';
import { Prng } from '../../core/prng.ts';
import { freePort } from '../../transport/testing/free-port.ts';
import { chunkJournal } from '../journals.ts';
import { type ClientMessage, PROTOCOL_VERSION, encodeHeader } from '../protocol.ts';
import { PRODUCER, chunks } from './broker-harness.ts';
import { connect } from './connect.ts';
import { testSeed } from './seed.ts';

export const JOURNAL: string = chunkJournal(0);
const OWNER = { shard: 0, epoch: 1 };

/** A message of each kind. */
export const VALID: readonly ClientMessage[] = [
  { t: 'open', version: PROTOCOL_VERSION, client: 'c' },
  { t: 'ping', n: 1, partBytes: 65_536, credits: [{ stream: 1, taken: 0, through: 100 }] },
  { t: 'credit', credits: [{ stream: 1, taken: 0, through: 100 }] },
  { t: 'append', id: 1, journal: JOURNAL, owner: OWNER },
  { t: 'append', id: 1, journal: JOURNAL, part: { at: 0, of: 100 } },
  { t: 'read', stream: 1, journal: JOURNAL, offset: 0, through: 100, owner: OWNER },
  { t: 'cancel', stream: 1 },
  { t: 'call', id: 1, call: { op: 'list' } },
  { t: 'call', id: 1, call: { op: 'head', journal: JOURNAL } },
  { t: 'call', id: 1, call: { op: 'expected', journal: JOURNAL, producer: PRODUCER, owner: OWNER } },
  { t: 'call', id: 1, call: { op: 'raise', shard: 0, path: '/one', takeOver: true, from: 0 } },
  { t: 'call', id: 1, call: { op: 'confirm', owner: OWNER, path: '/one' } },
  { t: 'call', id: 1, call: { op: 'report', owner: OWNER, offset: 0 } },
  { t: 'call', id: 1, call: { op: 'hold', journal: 'sums', name: 'v' } },
  { t: 'call', id: 1, call: { op: 'move-hold', journal: 'sums', name: 'v', offset: 0 } },
  { t: 'call', id: 1, call: { op: 'release', journal: 'sums', name: 'v' } },
  { t: 'call', id: 1, call: { op: 'retire', journal: JOURNAL, producer: PRODUCER } },
];

/** A broker as a process, on both kinds of endpoint in turn. */
export async function serve(
  t: ExecutionContext,
  kind: 'ipc' | 'tcp',
): Promise<{ process: TestProcess; endpoint: string }> {
  const folder = temporaryFolder(t);
  const endpoint = kind === 'ipc' ? `ipc://${join(folder, 'socket')}` : `tcp://127.0.0.1:${await freePort()}`;
  const argv = ['broker', '--data', join(folder, 'data'), '--listen', endpoint, '--partitions', '2'];
  const process = new TestProcess(t, argv);
  await process.ready();
  return { process, endpoint };
}

function randomBytes(prng: Prng, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => prng.below(256)));
}

/** Connects without ZeroMQ, writes bytes that are not ZMTP, and closes. */
function writeRaw(port: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.end(bytes));
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
    socket.resume();
  });
}

/** Clients send garbage and oversized messages; each append of another is acknowledged. */
export async function garbageLosesNothing(t: ExecutionContext, kind: 'ipc' | 'tcp'): Promise<void> {
  const prng = Prng.fromSeed(testSeed(t));
  const { process, endpoint } = await serve(t, kind);
  const good = connect(endpoint);
  t.teardown(() => good.close());
  const batches = 60;
  for (let index = 0; index < batches; index += 1) {
    const bad = new Dealer({ linger: 0 });
    bad.connect(endpoint);
    const header = encodeHeader(VALID[prng.below(VALID.length)] ?? { t: 'cancel', stream: 0 });
    const garbage: Buffer[][] = [
      [randomBytes(prng, prng.below(300))],
      [header.subarray(0, prng.below(header.length)), randomBytes(prng, 50)],
      [Buffer.alloc(200_000, 0x7b)],
      [encodeHeader({ t: 'open', version: 1, client: 'bad' }), Buffer.alloc(0)],
      [encodeHeader({ t: 'append', id: 1, journal: JOURNAL }), randomBytes(prng, 100)],
    ];
    if (index % 20 === 0) garbage.push([Buffer.alloc(17 * 1024 * 1024)]);
    for (const frames of garbage) await bad.send(frames);
    if (kind === 'tcp') {
      const port = Number(endpoint.split(':').at(-1));
      await writeRaw(port, randomBytes(prng, 1 + prng.below(200)));
      // The greeting of ZMTP, and nothing after it.
      await writeRaw(port, Buffer.concat([Buffer.from('ff00000000000000017f03', 'hex'), randomBytes(prng, 80)]));
    }
    const outcome = await within(good.append(JOURNAL, chunks(index, 1)), () => process.lastMessage);
    t.is(outcome.outcome, 'committed');
    bad.close();
  }
  t.false(process.isOver);
  t.is(await good.head(JOURNAL), batches * chunks(0, 1).length);
}
