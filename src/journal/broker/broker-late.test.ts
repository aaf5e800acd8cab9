/**
 * A late copy of a request: the request was answered, its client has asked again in a new session or is dead, and
 * others have acted meanwhile. Such a copy changes nothing.
 */

import test, { type ExecutionContext } from 'ava';
import { SUMS_JOURNAL, chunkJournal } from '../journals.ts';
import { type Call, PROTOCOL_VERSION } from '../protocol.ts';
import { BrokerHarness, OTHER_PRODUCER, PRODUCER, chunks, endOf, sums } from '../testing/broker-harness.ts';
import { confirmed, raised } from '../testing/broker-requests.ts';

const JOURNAL = chunkJournal(0);
const OTHER_JOURNAL = chunkJournal(1);

/** The knowledge of the broker from which its answers are made. */
function knowledge({ broker }: BrokerHarness): unknown {
  const journals = Array.from(broker.state.journals.values(), ({ name, tail, producers, pins }) => ({
    name,
    tail,
    producers: Object.fromEntries(Array.from(producers, ([id, { next, ended }]) => [id, { next, ended }])),
    pins: Object.fromEntries(Array.from(pins, ([pin, { offset }]) => [pin, offset])),
  }));
  return { ...broker.state.info(), journals };
}

type Late = { readonly call: Call } | { readonly append: Buffer; readonly epoch?: number };

/** Sends an answered message once more, in a session whose client is gone. */
async function arrivesLate(t: ExecutionContext, harness: BrokerHarness, late: Late): Promise<void> {
  const before = knowledge(harness);
  if ('call' in late) harness.call(late.call, 'a');
  else {
    const owner = late.epoch === undefined ? {} : { owner: { shard: 0, epoch: late.epoch } };
    harness.append(late.epoch === undefined ? JOURNAL : SUMS_JOURNAL, late.append, { session: 'a', ...owner });
  }
  await harness.commitAll();
  t.deepEqual(knowledge(harness), before, JSON.stringify(late));
}

test('of a raise: the epoch that it replaces is another one by then', async (t) => {
  const harness = await BrokerHarness.start();
  for (const takeOver of [true, false]) {
    const { epoch } = await raised(harness);
    const call = { op: 'raise', shard: 0, path: '/one', takeOver, from: epoch } as const;
    t.like(await harness.ask(call), { outcome: 'raised', epoch: epoch + 1 });
    // Its client goes on, and then another client takes over.
    await arrivesLate(t, harness, { call });
    await harness.ask({ op: 'confirm', owner: { shard: 0, epoch: epoch + 1 }, path: '/one' });
    await arrivesLate(t, harness, { call });
    await confirmed(harness, 0, '/two');
    await arrivesLate(t, harness, { call });
    await confirmed(harness, 0, '/one');
  }
});

test('of a confirmation: it is of an epoch that is fenced, or says what is so', async (t) => {
  const harness = await BrokerHarness.start();
  const owner = await confirmed(harness, 0, '/one');
  const call = { op: 'confirm', owner, path: '/one' } as const;
  await arrivesLate(t, harness, { call });
  // A successor before and after its confirmation.
  const next = await raised(harness, 0, '/two');
  await arrivesLate(t, harness, { call });
  await harness.ask({ op: 'confirm', owner: next, path: '/two' });
  await arrivesLate(t, harness, { call });
});

test('of a report: it never moves a pin back, and not for a successor', async (t) => {
  const harness = await BrokerHarness.start();
  const owner = await confirmed(harness);
  await harness.appended(JOURNAL, chunks(0, 1));
  await harness.appended(JOURNAL, chunks(1, 1));
  const bytes = chunks(0, 1).length;
  const report = (offset: number): Call => ({ op: 'report', owner, offset });
  await harness.ask(report(bytes));
  await harness.ask(report(2 * bytes));
  await arrivesLate(t, harness, { call: report(bytes) });
  await confirmed(harness, 0, '/two');
  await arrivesLate(t, harness, { call: report(2 * bytes) });
});

test('of an append: its records are there, whoever has appended since', async (t) => {
  const harness = await BrokerHarness.start();
  const owner = await confirmed(harness);
  await harness.appended(JOURNAL, chunks(0, 2));
  await harness.appended(SUMS_JOURNAL, sums(0, 2, owner), owner);
  const late: Late[] = [{ append: chunks(0, 2) }, { append: sums(0, 2, owner), epoch: owner.epoch }];
  for (const each of late) await arrivesLate(t, harness, each);
  await harness.appended(JOURNAL, chunks(2, 1));
  await harness.appended(JOURNAL, endOf(3));
  const next = await confirmed(harness, 0, '/two');
  await harness.appended(SUMS_JOURNAL, sums(2, 1, next), next);
  for (const each of [...late, { append: endOf(3) }]) await arrivesLate(t, harness, each);
});

const move = (offset: number): Call => ({ op: 'move-hold', journal: SUMS_JOURNAL, name: PRODUCER, offset });

test('a late copy of a pin or of its move moves no pin back, and makes none again for an ended producer', async (t) => {
  const harness = await BrokerHarness.start();
  const owner = await confirmed(harness);
  const pin = { op: 'hold', journal: SUMS_JOURNAL, name: PRODUCER } as const;
  const release = { op: 'release', journal: SUMS_JOURNAL, name: PRODUCER } as const;
  await harness.ask(pin);
  const bytes = sums(0, 1, owner).length;
  for (let index = 0; index < 3; index += 1) {
    await harness.appended(SUMS_JOURNAL, sums(index, 1, owner), owner);
  }
  await arrivesLate(t, harness, { call: pin });
  await harness.ask(move(bytes));
  await harness.ask(move(3 * bytes));
  for (const call of [pin, move(bytes)]) await arrivesLate(t, harness, { call });
  for (const journal of [JOURNAL, OTHER_JOURNAL]) await harness.ask({ op: 'retire', journal, producer: PRODUCER });
  await harness.ask(release);
  for (const call of [pin, move(3 * bytes), release]) await arrivesLate(t, harness, { call });
  // Another producer's pin does not change.
  await harness.ask({ ...pin, name: OTHER_PRODUCER });
  for (const call of [pin, move(3 * bytes), release]) await arrivesLate(t, harness, { call });
});

test('of the end of a producer: it has ended', async (t) => {
  const harness = await BrokerHarness.start();
  await harness.appended(JOURNAL, chunks(0, 1));
  const call = { op: 'retire', journal: JOURNAL, producer: PRODUCER } as const;
  await harness.ask(call);
  await arrivesLate(t, harness, { call });
  await harness.appended(JOURNAL, chunks(0, 1, { producer: OTHER_PRODUCER }));
  await arrivesLate(t, harness, { call });
});

test('of a question: nothing is asked for but an answer', async (t) => {
  const harness = await BrokerHarness.start();
  const owner = await confirmed(harness);
  const witness = { store: 'any', incarnation: 'any', commit: 1 };
  const questions: Call[] = [
    { op: 'list' },
    { op: 'head', journal: JOURNAL },
    { op: 'expected', journal: JOURNAL, producer: PRODUCER },
    { op: 'expected', journal: SUMS_JOURNAL, producer: '0000000000000000', owner },
    { op: 'vouch', witness },
  ];
  for (const call of questions) await arrivesLate(t, harness, { call });
  await confirmed(harness, 0, '/two');
  for (const call of questions) await arrivesLate(t, harness, { call });
});

test('a late copy of an opening, a read, a credit or a ping changes no living session', async (t) => {
  const harness = await BrokerHarness.start();
  await harness.appended(JOURNAL, chunks(0, 1));
  const living = harness.read(JOURNAL, 0, { session: 'b' });
  const before = knowledge(harness);
  const credits = [{ stream: living, taken: 0, through: 0 }];
  for (const message of [
    { t: 'open', version: PROTOCOL_VERSION, client: 'a' },
    { t: 'read', stream: living, journal: JOURNAL, offset: 0, through: 1 },
    { t: 'credit', credits },
    { t: 'ping', n: 1, partBytes: 1024, credits },
    { t: 'cancel', stream: living },
  ] as const) {
    harness.send('a', message);
  }
  harness.broker.unreachable('a');
  harness.append(JOURNAL, chunks(1, 1), { session: 'b' });
  await harness.commitAll();
  const bytes = chunks(0, 1).length;
  const toLiving = harness.sent.filter(({ session, message }) => session === 'b' && message.t === 'batches');
  t.deepEqual(
    toLiving.map(({ message }) => (message.t === 'batches' ? message.batches.map(([begin]) => begin) : null)),
    [[0], [bytes]],
  );
  t.notDeepEqual(knowledge(harness), before);
});
