/** A broker whose store is older than its earlier answers, and what it then tells its clients. */

import test from 'ava';
import { keyOf, sealRow } from '../../store/row.ts';
import { MemoryStore } from '../../store/testing/memory-store.ts';
import { SUMS_JOURNAL, chunkJournal } from '../journals.ts';
import { PROTOCOL_VERSION } from '../protocol.ts';
import { BrokerHarness, chunks } from '../testing/broker-harness.ts';
import { confirmed } from '../testing/broker-requests.ts';
import type { Witness } from '../witness.ts';

const JOURNAL = chunkJournal(0);

/** The witness of a client that has just got an answer. */
async function witnessOf(harness: BrokerHarness): Promise<Witness> {
  await harness.ask({ op: 'head', journal: JOURNAL });
  const last = harness.sent.at(-1)?.message;
  if (last === undefined) throw new Error('nothing was said');
  return { store: harness.broker.state.lineage.store, incarnation: last.i, commit: last.c };
}

function opened(harness: BrokerHarness, witness: Witness): unknown {
  harness.send('c', { t: 'open', version: PROTOCOL_VERSION, client: 'c', witness });
  return harness.sent.at(-1)?.message;
}

test('every kind of commit has a number of its own, which survives a restart', async (t) => {
  const harness = await BrokerHarness.start();
  const commits = [(await witnessOf(harness)).commit];
  const owner = await confirmed(harness);
  for (const act of [
    () => harness.ask({ op: 'hold', journal: SUMS_JOURNAL, name: 'verifier' }),
    () => harness.appended(JOURNAL, chunks(0, 1)),
    () => harness.ask({ op: 'confirm', owner, path: '/two' }),
    () => harness.ask({ op: 'release', journal: SUMS_JOURNAL, name: 'verifier' }),
    () => harness.restart(),
  ]) {
    await act();
    const { commit } = await witnessOf(harness);
    t.true(commit > (commits.at(-1) ?? 0), act.toString());
    commits.push(commit);
  }
});

test('a client is taken back by a broker that has all it had told, whichever commit it died in', async (t) => {
  const harness = await BrokerHarness.start();
  for (const fate of ['lost', 'durable', 'lost'] as const) {
    await harness.appended(JOURNAL, chunks(0, 1));
    const witness = await witnessOf(harness);
    harness.append(JOURNAL, chunks(1, 1));
    await harness.clock.settle();
    await harness.restart(fate);
    t.like(opened(harness, witness), { t: 'opened', store: witness.store });
    t.deepEqual(await harness.ask({ op: 'vouch', witness }), { outcome: 'held' });
  }
});

test('a broker on an older copy of its store, or an empty one, says so to whoever knows of more', async (t) => {
  const harness = await BrokerHarness.start();
  await harness.appended(JOURNAL, chunks(0, 1));
  const before = await witnessOf(harness);
  const older = harness.snapshot();
  await harness.appended(JOURNAL, chunks(1, 1));
  const after = await witnessOf(harness);
  await harness.restartOn(older);
  t.like(opened(harness, before), { t: 'opened' });
  t.like(opened(harness, after), { t: 'lost', vouching: 'lost' });
  t.deepEqual(await harness.ask({ op: 'vouch', witness: before }), { outcome: 'held' });
  t.deepEqual(await harness.ask({ op: 'vouch', witness: after }), { outcome: 'lost' });
  // Nor can the journal grow over the lost records.
  for (let index = 1; index < 9; index += 1) await harness.appended(JOURNAL, chunks(index, 1));
  t.deepEqual(await harness.ask({ op: 'vouch', witness: after }), { outcome: 'lost' });
  await harness.restartOn(new MemoryStore());
  for (const witness of [before, after]) {
    t.like(opened(harness, witness), { t: 'lost', vouching: 'another' });
    t.deepEqual(await harness.ask({ op: 'vouch', witness }), { outcome: 'another' });
  }
});

test('a session that was refused for a loss is none', async (t) => {
  const harness = await BrokerHarness.start();
  await harness.appended(JOURNAL, chunks(0, 1));
  const witness = await witnessOf(harness);
  await harness.restartOn(new MemoryStore());
  opened(harness, witness);
  harness.send('c', { t: 'call', id: 1, call: { op: 'head', journal: JOURNAL } });
  t.like(harness.sent.at(-1), { session: 'c', message: { t: 'reopen' } });
});

test('a report or a pin beyond the head is answered with the head, and moves nothing', async (t) => {
  const harness = await BrokerHarness.start();
  const owner = await confirmed(harness);
  await harness.appended(JOURNAL, chunks(0, 1));
  const head = chunks(0, 1).length;
  t.deepEqual(await harness.ask({ op: 'report', owner, offset: head + 1 }), { outcome: 'beyond', head });
  await harness.ask({ op: 'hold', journal: SUMS_JOURNAL, name: 'verifier' });
  const move = { op: 'move-hold', journal: SUMS_JOURNAL, name: 'verifier', offset: 1 } as const;
  t.deepEqual(await harness.ask(move), { outcome: 'beyond', head: 0 });
  t.deepEqual(await harness.ask({ op: 'report', owner, offset: head }), { outcome: 'reported' });
});

test('a build without lineages that has served the store meanwhile has lost nothing told before', async (t) => {
  const harness = await BrokerHarness.start();
  for (let index = 0; index < 9; index += 1) await harness.appended(JOURNAL, chunks(index, 1));
  const witness = await witnessOf(harness);
  const store = harness.snapshot();
  const head = 9 * chunks(0, 1).length;
  await store.commit(
    harness.journalNumbers().map((number) => ({
      table: 'journals',
      key: keyOf(number),
      value: sealRow({ begin: 0, head: number === 0 ? head : 0 }),
    })),
  );
  await harness.restartOn(store);
  t.like(opened(harness, witness), { t: 'opened' });
  const later = await witnessOf(harness);
  await harness.restart();
  t.deepEqual(await harness.ask({ op: 'vouch', witness: later }), { outcome: 'held' });
});
