import test from 'ava';
import fc from 'fast-check';
import { Dealer } from 'zeromq';
import { chunkJournal } from './journals.ts';
import { HEADER_BYTES_MAX, decodeClientMessage, encodeHeader } from './protocol.ts';
import { BrokerHarness, chunks } from './testing/broker-harness.ts';
import { JOURNAL, VALID, garbageLosesNothing, serve } from './testing/garbage-clients.ts';
import { testSeed } from './testing/seed.ts';

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

test.serial('over tcp, clients that send garbage and oversized messages lose nothing of others', (t) =>
  garbageLosesNothing(t, 'tcp'),
);

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
