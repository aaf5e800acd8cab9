import { createConnection } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { Dealer } from 'zeromq';
import { TestProcess, temporaryFolder, within } from '../cli/testing/test-process.ts';
import { Prng } from '../core/prng.ts';
import { freePort } from '../transport/testing/free-port.ts';
import { chunkJournal } from './journals.ts';
import {
  type ClientMessage,
  HEADER_BYTES_MAX,
  PROTOCOL_VERSION,
  decodeClientMessage,
  encodeHeader,
} from './protocol.ts';
import { BrokerHarness, PRODUCER, chunks } from './testing/broker-harness.ts';
import { connect } from './testing/connect.ts';
import { testSeed } from './testing/seed.ts';

const JOURNAL = chunkJournal(0);
const OWNER = { shard: 0, epoch: 1 };

const VALID: readonly ClientMessage[] = [
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

/** Every field of a message, as the path to it. */
function fieldsOf(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [[...path, name], ...fieldsOf(inner, [...path, name])]);
}

function replaced(value: unknown, [name, ...rest]: readonly string[], by: unknown): unknown {
  if (name === undefined) return by;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[name] = replaced(copy[name], rest, by);
  return copy;
}

const WRONG: readonly unknown[] = [
  null,
  true,
  -1,
  1.5,
  2 ** 60,
  '',
  'x'.repeat(5_000),
  [],
  [null],
  {},
  { shard: 'a' },
  '__proto__',
];

test('what was encoded is decoded as it was', (t) => {
  for (const message of VALID) t.deepEqual(decodeClientMessage(encodeHeader(message)), message);
});

test('a wrong type in any field of any message is either refused, or one that the field may have', (t) => {
  let refused = 0;
  for (const message of VALID) {
    for (const field of fieldsOf(message)) {
      for (const wrong of WRONG) {
        const decoded = decodeClientMessage(Buffer.from(JSON.stringify(replaced(message, field, wrong))));
        if ('invalid' in decoded) refused += 1;
        // An accepted message has the same shape: it decodes to itself again.
        else t.deepEqual(decodeClientMessage(encodeHeader(decoded)), decoded);
      }
    }
  }
  t.true(refused > 400, `${refused}`);
});

test('a header that is no JSON object, or too long, is refused', (t) => {
  for (const text of ['', 'null', '[]', '1', '"open"', '{', '{"t":"open"', '{"t":"unknown"}', '\u0000']) {
    t.true('invalid' in decodeClientMessage(Buffer.from(text)), text);
  }
  t.true('invalid' in decodeClientMessage(undefined));
  const long = Buffer.from(JSON.stringify({ t: 'cancel', stream: 1, more: 'x'.repeat(HEADER_BYTES_MAX) }));
  t.true('invalid' in decodeClientMessage(long));
});

const anyFrames = fc.oneof(
  fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 }),
  fc
    .tuple(fc.constantFrom(...VALID), fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 2 }))
    .map(([message, more]) => [encodeHeader(message), ...more]),
  fc.tuple(fc.constantFrom(...VALID), fc.nat(), fc.constantFrom(...WRONG)).map(([message, at, wrong]) => {
    const fields = fieldsOf(message);
    return [Buffer.from(JSON.stringify(replaced(message, fields[at % fields.length] ?? [], wrong)))];
  }),
  fc.tuple(fc.constantFrom(...VALID), fc.nat(), fc.nat(255)).map(([message, at, byte]) => {
    const header = encodeHeader(message);
    header[at % header.length] = byte;
    return [header, chunks(0, 1)];
  }),
  fc.tuple(fc.nat(), fc.nat(255), fc.nat(200)).map(([at, byte, cut]) => {
    const batch = chunks(0, 3);
    batch[at % batch.length] = byte;
    return [encodeHeader({ t: 'append', id: 1, journal: JOURNAL }), batch.subarray(0, Math.max(0, batch.length - cut))];
  }),
);

test('whatever frames a client sends, the broker stays up, and the appends of others are acknowledged', async (t) => {
  const seed = testSeed(t);
  const journal = chunkJournal(1);
  await fc.assert(
    fc.asyncProperty(fc.array(anyFrames, { minLength: 1, maxLength: 30 }), async (messages) => {
      const harness = await BrokerHarness.start();
      for (const [index, frames] of messages.entries()) {
        const id = harness.append(journal, chunks(index, 1, { journal }), { session: 'b' });
        harness.broker.receive(index % 2 === 0 ? 'a' : 'stranger', frames);
        await harness.commitAll();
        const outcome = harness.outcome(id)?.outcome;
        if (outcome !== 'committed') throw new Error(`append ${index}: ${outcome}`);
      }
      const delivered = harness.delivered(harness.read(journal, 0, { session: 'b' }));
      if (delivered.length !== messages.length) throw new Error(`${delivered.length} of ${messages.length}`);
    }),
    { seed, numRuns: 150 },
  );
  t.pass();
});

/** A broker as a process, on both kinds of endpoint in turn. */
async function serve(t: ExecutionContext, kind: 'ipc' | 'tcp'): Promise<{ process: TestProcess; endpoint: string }> {
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

for (const kind of ['ipc', 'tcp'] as const) {
  test.serial(`over ${kind}, clients that send garbage and oversized messages lose nothing of others`, async (t) => {
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
  });
}

test.serial('a client that sends garbage is told so, whatever its routing id is', async (t) => {
  const { endpoint } = await serve(t, 'ipc');
  for (const routingId of [undefined, '\u00fe\u00ff bytes', 'plain']) {
    const bad = new Dealer({ linger: 0, receiveTimeout: 20_000, ...(routingId === undefined ? {} : { routingId }) });
    bad.connect(endpoint);
    await bad.send('garbage');
    const [answer] = await bad.receive();
    t.like(JSON.parse(String(answer)), { t: 'refused', id: null, reason: 'the header is not a JSON object' });
    bad.close();
  }
});
