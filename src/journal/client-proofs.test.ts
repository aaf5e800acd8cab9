/** What a client concludes from answers that are possible only if the broker has lost what it had acknowledged. */

import test, { type ExecutionContext } from 'ava';
import { ViolationError } from '../core/errors.ts';
import { ManualClock } from '../core/testing/manual-clock.ts';
import { JournalClient } from './client.ts';
import { chunkJournal } from './journals.ts';
import { PRODUCER, chunks } from './testing/broker-harness.ts';
import { FakeDialer } from './testing/fake-dialer.ts';
import { checkWitness, isWitness } from './witness.ts';

const JOURNAL = chunkJournal(0);
const OWNER = { shard: 0, epoch: 5 };
const CREDIT = { creditBytes: 1000 };

type Scene = { readonly client: JournalClient; readonly dialer: FakeDialer; readonly lost: string[] };

function opened(t: ExecutionContext): Scene {
  const dialer = new FakeDialer();
  const lost: string[] = [];
  let sessions = 0;
  const newSession = (): string => `session-${++sessions}`;
  const onSessionLost = (why: string): void => void lost.push(why);
  const options = {
    dialer,
    clock: new ManualClock(),
    name: 'c',
    address: 'at a place',
    clockHash: 7,
    newSession,
    onSessionLost,
  };
  const client = new JournalClient(options);
  t.teardown(() => client.close());
  t.is(client.witness, null);
  dialer.link.answer({ t: 'opened', store: 'a-store', clock: 7 }, { commit: 3 });
  return { client, dialer, lost };
}

/** Answers the call that was made last. */
function reply(dialer: FakeDialer, result: unknown): void {
  dialer.link.answer({ t: 'reply', id: dialer.link.of('call').at(-1)?.id ?? 0, result });
}

async function isLoss(t: ExecutionContext, promise: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await t.throwsAsync(promise, { instanceOf: ViolationError, message });
  t.is(error.kind, 'acknowledged-loss');
}

test('a new session shows what was told in those before, whichever message told it', (t) => {
  const { client, dialer } = opened(t);
  t.is(client.witness, 'a-store one 3 at a place');
  dialer.link.answer({ t: 'pong', n: 0 }, { commit: 9 });
  t.is(client.witness, 'a-store one 9 at a place');
  dialer.link.answer({ t: 'pong', n: 0 }, { incarnation: 'two', commit: 11 });
  // The other start has not yet said that it has everything that the first start told.
  t.is(client.witness, 'a-store one 9 at a place');
  const witness = { store: 'a-store', incarnation: 'one', commit: 9 };
  t.deepEqual(dialer.link.of('open')[0]?.witness, witness);
  dialer.link.answer({ t: 'opened', store: 'a-store', clock: 7 }, { incarnation: 'two', commit: 12 });
  t.is(client.witness, 'a-store two 12 at a place');
});

test('a broker that has lost what it told: whatever waits, or is asked later, is told of the loss', async (t) => {
  for (const vouching of ['lost', 'another'] as const) {
    const { client, dialer, lost } = opened(t);
    const stream = client.read(JOURNAL, 0, CREDIT);
    const idle = client.read(JOURNAL, 0, CREDIT);
    const next = stream.next();
    dialer.link.down();
    const waiting = [next, client.head(JOURNAL), client.append(JOURNAL, chunks(0, 1))];
    dialer.link.answer({ t: 'lost', vouching }, { incarnation: 'two' });
    const later = [stream.next(), idle.next(), client.list(), client.append(JOURNAL, chunks(0, 1))];
    later.push(client.read(JOURNAL, 0, CREDIT).next());
    const message = vouching === 'lost' ? /commit 3 of its start one .* older copy/ : /commit 3 .* another one/;
    for (const promise of [...waiting, ...later]) await isLoss(t, promise, message);
    stream.close();
    t.true(dialer.link.isClosed);
    t.is(dialer.links.length, 2);
    t.deepEqual(lost, ['the connection was lost']);
  }
});

test('fenced by a lower epoch than the own, or by the own, is a loss; by a higher one, a newer owner', async (t) => {
  for (const epoch of [0, 4, 5, 6]) {
    const { client, dialer } = opened(t);
    const fenced = { outcome: 'fenced', epoch } as const;
    const asked: Promise<unknown>[] = [];
    for (const ask of [
      () => client.report(OWNER, 7),
      () => client.confirm(OWNER, '/a'),
      () => client.expected(JOURNAL, PRODUCER, OWNER),
    ]) {
      asked.push(ask());
      reply(dialer, fenced);
    }
    asked.push(client.append(JOURNAL, chunks(0, 1), OWNER));
    dialer.link.answer({ t: 'acks', acks: [{ id: dialer.link.of('append')[0]?.id ?? 0, outcome: fenced }] });
    const stream = client.read(JOURNAL, 0, { ...CREDIT, owner: OWNER });
    const id = dialer.link.of('read')[0]?.stream ?? 0;
    asked.push(stream.next());
    dialer.link.answer({ t: 'end', stream: id, reason: 'fenced', begin: 0, detail: '', epoch });
    asked.push(stream.next());
    for (const promise of asked) {
      if (epoch > OWNER.epoch) t.regex(JSON.stringify(await promise), /fenced/);
      else await isLoss(t, promise, new RegExp(`shard 0 was raised to epoch 5, and is at epoch ${epoch}`));
    }
  }
});

test('a journal that ends before what was read, held or reported of it has lost that', async (t) => {
  const { client, dialer } = opened(t);
  const report = client.report(OWNER, 70);
  reply(dialer, { outcome: 'beyond', head: 60 });
  await isLoss(t, report, /shard 0 was durable up to 70, and ends at 60/);
  const pin = client.movePin(JOURNAL, 'me', 80);
  reply(dialer, { outcome: 'beyond', head: 60 });
  await isLoss(t, pin, /chunks\/part-000 was durable up to 80, and ends at 60/);
  const stream = client.read(JOURNAL, 90, CREDIT);
  const next = stream.next();
  const id = dialer.link.of('read')[0]?.stream ?? 0;
  dialer.link.answer({ t: 'end', stream: id, reason: 'missing', begin: 0, detail: 'it ends at 60, before 90' });
  await isLoss(t, next, /chunks\/part-000 was durable up to 90, and it ends at 60/);
});

test('a witness of another process is held, lost, or of a broker elsewhere', async (t) => {
  const { client, dialer } = opened(t);
  const here = 'store one 7 at a place';
  const there = 'store one 7 at another place';
  for (const [witness, outcome, message] of [
    [here, 'held', null],
    [there, 'held', null],
    [here, 'unknown', null],
    [here, 'lost', /has lost .* commit 7 .* older copy \(the folder proves it\)/],
    // The same store at another place.
    [there, 'lost', /has lost .* older copy/],
    [here, 'another', /has lost .* another one/],
  ] as const) {
    const checked = checkWitness(client, witness, 'the folder');
    t.deepEqual(dialer.link.of('call').at(-1)?.call, {
      op: 'vouch',
      witness: { store: 'store', incarnation: 'one', commit: 7 },
    });
    reply(dialer, { outcome });
    if (message === null) await t.notThrowsAsync(checked);
    else await isLoss(t, checked, message);
  }
  const elsewhere = checkWitness(client, there, 'the folder');
  reply(dialer, { outcome: 'another' });
  await t.throwsAsync(elsewhere, {
    name: 'UsageError',
    message: /the folder belongs to the broker at at another place/,
  });
  await t.notThrowsAsync(checkWitness(client, null, 'a new folder'));
  for (const text of ['', 'store one', 'store one x here', 'store one -1 here']) {
    t.false(isWitness(text));
    await t.throwsAsync(client.vouch(text), { code: 'ERR_WITNESS' });
  }
});
